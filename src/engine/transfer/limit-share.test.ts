import { describe, expect, it } from 'vitest'
import { shareOfLimit } from './limit-share.ts'

describe('shareOfLimit', () => {
  it('leaves no limit as it is', () => {
    expect(shareOfLimit(null, 3)).toBeNull()
  })

  it('is the whole limit of a lone engine, also where its claims are not counted yet', () => {
    expect([shareOfLimit(1000, 1), shareOfLimit(1000n, 0)]).toEqual([1000, 1000])
  })

  it('never adds up to more than the limit', () => {
    for (const engines of [2, 3, 7])
      expect((shareOfLimit(1_000_000, engines) ?? 0) * engines).toBeLessThanOrEqual(1_000_000)
  })

  it('never stops an engine for good', () => {
    expect(shareOfLimit(1, 5)).toBe(1)
  })
})
