import { describe, expect, it } from 'vitest'
import { MOST_LINES, parseSourceLines, repeatedRemark, withoutLinks } from './source-lines.ts'

describe('parseSourceLines', () => {
  it('reads one link a line and forgives white space, empty lines and wrapping', () => {
    const { lines } = parseSourceLines('  https://a.example/1 \r\n\n"https://a.example/2"\n<https://a.example/3>')
    expect(lines.map(({ url, line }) => [line, url])).toEqual([
      [1, 'https://a.example/1'],
      [3, 'https://a.example/2'],
      [4, 'https://a.example/3'],
    ])
  })

  it('folds a repeated line and says which one it repeats', () => {
    const { lines, repeated } = parseSourceLines('https://a.example/1\nhttps://a.example/2\nhttps://a.example/1')
    expect(lines).toHaveLength(2)
    expect(repeatedRemark(repeated)).toBe('Line 3 repeats line 1 and is left out.')
  })

  it('gives a bad line its sentence and leaves the others alone', () => {
    const { lines } = parseSourceLines('ftp://a.example/1\nhttps://a.example/2\nwhat')
    expect(lines.map(({ problem }) => problem?.slice(0, 22) ?? null)).toEqual([
      'Sluice reads http:// a',
      null,
      'This is not a web link',
    ])
  })

  it('counts the lines beyond the most that one call takes', () => {
    const text = Array.from({ length: MOST_LINES + 3 }, (_, index) => `https://a.example/${index}`).join('\n')
    expect(parseSourceLines(text)).toMatchObject({ beyond: 3 })
    expect(parseSourceLines(text).lines).toHaveLength(MOST_LINES)
  })
})

describe('withoutLinks', () => {
  it('leaves the lines that were not started', () => {
    expect(withoutLinks('https://a.example/1\n"https://a.example/2"\nwhat', new Set(['https://a.example/2']))).toBe(
      'https://a.example/1\nwhat',
    )
  })
})
