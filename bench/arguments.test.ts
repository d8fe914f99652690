import { describe, expect, test } from 'vitest'
import { ArgumentError } from '../scripts/runner/command-words.ts'
import { parseArguments } from './arguments.ts'

const KNOWN = { scenarios: ['big', 'many'], peers: ['sluice', 'rclone-http', 'lib-storage'] }
const parse = (...words: string[]) => parseArguments(words, KNOWN)

describe('what was asked for', () => {
  test('nothing asks for nothing in particular', () => {
    expect(parse()).toEqual({
      list: false,
      scenarios: [],
      rounds: null,
      peers: null,
      sizeBytes: null,
      files: null,
      output: null,
    })
  })

  test('scenarios, rounds, peers, size and output are taken in any order', () => {
    const words = [
      'many',
      '--rounds',
      '4',
      'big',
      '--peers',
      'sluice,lib-storage',
      '--size=2MiB',
      '--files',
      '20',
      '--output',
      'out.json',
    ]
    expect(parse(...words)).toEqual({
      list: false,
      scenarios: ['many', 'big'],
      rounds: 4,
      peers: ['sluice', 'lib-storage'],
      sizeBytes: 2 * 1024 ** 2,
      files: 20,
      output: 'out.json',
    })
  })

  test('all is a name', () => {
    expect(parse('all').scenarios).toEqual(['all'])
  })
})

describe('what cannot be done is refused with what can', () => {
  test.each([
    [['small'], 'There is no scenario "small". There are: all, big, many.'],
    [['--peers', 'scp'], 'There is no peer "scp". There are: sluice, rclone-http, lib-storage.'],
    [['--peers', ','], '--peers takes names'],
    [['--rounds', '0'], '--rounds is a whole number from 1 to 50.'],
    [['--rounds', '1.5'], '--rounds is a whole number from 1 to 50.'],
    [['--files', '1001'], '--files is a whole number from 1 to 1000.'],
    [['--size', 'much'], '--size is the size of each file'],
    [['--fast'], 'The options are --list'],
  ])('%j', (words, sentence) => {
    expect(() => parse(...words)).toThrow(ArgumentError)
    expect(() => parse(...words)).toThrow(sentence)
  })
})
