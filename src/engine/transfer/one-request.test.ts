import { describe, expect, it } from 'vitest'
import { MIB } from '../../server/domain/bytes.ts'
import { type OneRequest, oneRequestBytes } from './one-request.ts'

const usual: OneRequest = {
  laneBytesPerSecond: 100 * MIB,
  freeLanes: 8,
  limitBytesPerSecond: null,
  budgetBytes: 256 * MIB,
  bufferBytes: MIB,
  wantedPartSizeBytes: null,
  isKeptShort: false,
}

describe('how much a first request asks for', () => {
  it.each<[string, Partial<OneRequest>, number]>([
    ['two usual parts, where one connection has them at once', {}, 16],
    ['what any request asks for, where nobody knows how fast a connection is', { laneBytesPerSecond: 0 }, 2],
    ['the same where connections are slow and there are others to have', { laneBytesPerSecond: 5 * MIB }, 2],
    [
      'what a slow connection has in a second, where there is no other',
      { laneBytesPerSecond: 5 * MIB, freeLanes: 1 },
      5,
    ],
    ['and where there are fewer than none', { laneBytesPerSecond: 5 * MIB, freeLanes: -3 }, 5],
    ['as much as a connection has while others would make a plan', { laneBytesPerSecond: 20 * MIB, freeLanes: 64 }, 8],
    ['whole slices', { laneBytesPerSecond: 19 * MIB, bufferBytes: 2 * MIB }, 8],
    ['an eighth of the memory', { budgetBytes: 24 * MIB, bufferBytes: MIB / 2 }, 3],
    ['no more than the user wants in a part', { wantedPartSizeBytes: 6 * MIB }, 6],
    ['no more than a limit lets through in that time', { limitBytesPerSecond: 8 * MIB }, 3],
    ['little where others read the same or files are small', { isKeptShort: true }, 2],
  ])('is %s', (_, change, mib) => {
    expect(oneRequestBytes({ ...usual, ...change })).toBe(mib * MIB)
  })
})
