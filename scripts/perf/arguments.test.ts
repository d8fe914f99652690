import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../runner/command-words.ts'
import { parsePerfArguments } from './arguments.ts'

const URL_A = 'https://files.example/a.bin'

describe('the words behind npm run perf', () => {
  it('name files, and everything else has a default', () => {
    expect(parsePerfArguments([URL_A])).toEqual({
      urls: [URL_A],
      bucketName: 'sluice',
      runs: 1,
      lanes: null,
      partSizeBytes: null,
      jsonFile: null,
      webUrl: null,
      clean: false,
    })
  })

  it('take files from a list too, without its comments', () => {
    const lists: Record<string, string> = { 'a.txt': `# mine\n${URL_A}\r\n\n  https://files.example/b  \n` }
    const { urls } = parsePerfArguments(['https://x.example/', '--file', 'a.txt'], (path) => lists[path] ?? '')
    expect(urls).toEqual(['https://x.example/', URL_A, 'https://files.example/b'])
  })

  it('choose bucket, runs, lanes, part size, address and clearing up', () => {
    const words = ['--bucket', 'mine', '--runs', '3', '--lanes', '4', '--part-size', '64MiB', '--clean', '--json', 'o']
    expect(parsePerfArguments([URL_A, ...words, '--url', 'http://sluice.example/'])).toMatchObject({
      bucketName: 'mine',
      runs: 3,
      lanes: 4,
      partSizeBytes: 64 * 1024 * 1024,
      jsonFile: 'o',
      webUrl: 'http://sluice.example',
      clean: true,
    })
  })

  it.each([
    [[], /at least one file/],
    [[URL_A, '--runs', '0'], /from 1 to 50/],
    [[URL_A, '--lanes', '21'], /from 1 to 20/],
    [[URL_A, '--part-size', 'big'], /such as 64MiB/],
    [[URL_A, '--colour'], /colour/],
    [['--file', '/nowhere/at/all'], /cannot be read/],
  ])('are refused with a sentence: %j', (words, sentence) => {
    const parse = () => parsePerfArguments(words)
    expect(parse).toThrow(ArgumentError)
    expect(parse).toThrow(sentence)
  })
})
