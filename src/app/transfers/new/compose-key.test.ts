import { describe, expect, it } from 'vitest'
import { composeKey, sharedKeys } from './compose-key.ts'

describe('composeKey', () => {
  it('joins prefix, folder and name with one slash each', () => {
    expect(composeKey('raw/', '/2026/11/', 'a.tar')).toBe('raw/2026/11/a.tar')
    expect(composeKey('', '', 'a.tar')).toBe('a.tar')
  })

  it('leaves a prefix that is not a folder as it is', () => {
    expect(composeKey('nightly-', '', 'a.tar')).toBe('nightly-a.tar')
  })
})

describe('sharedKeys', () => {
  it('finds the keys that more than one row has', () => {
    expect([...sharedKeys(['a', 'b', 'a', 'c', 'b', 'a'])]).toEqual(['a', 'b'])
  })
})
