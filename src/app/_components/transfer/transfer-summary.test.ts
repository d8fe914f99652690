import { describe, expect, it } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import { tookText } from '../../../server/domain/duration.ts'
import { doneFraction, elapsedMs, percentText, planText } from './transfer-summary.ts'

const running = { status: 'running' as const, sizeBytes: 1000, transferredBytes: 719 }

describe('percentText', () => {
  it('rounds down and never says 100 before the transfer is done', () => {
    expect(percentText(running)).toBe('71 %')
    expect(percentText({ ...running, transferredBytes: 1000 })).toBe('99 %')
    expect(percentText({ ...running, status: 'completed' })).toBe('100 %')
  })

  it('says nothing where the size is not known', () => {
    expect(percentText({ ...running, sizeBytes: null })).toBe('')
  })
})

describe('doneFraction', () => {
  it('is 0 for an empty file until it is done', () => {
    expect(doneFraction({ status: 'running', sizeBytes: 0, transferredBytes: 0 })).toBe(0)
    expect(doneFraction({ status: 'completed', sizeBytes: 0, transferredBytes: 0 })).toBe(1)
  })
})

describe('elapsedMs', () => {
  it('ends with the transfer', () => {
    const startedAt = new Date(1000)
    expect(elapsedMs({ startedAt, finishedAt: null }, 5000)).toBe(4000)
    expect(elapsedMs({ startedAt, finishedAt: new Date(2000) }, 5000)).toBe(1000)
    expect(elapsedMs({ startedAt: null, finishedAt: null }, 5000)).toBeNull()
  })
})

describe('tookText', () => {
  it('has tenths only below a minute', () => {
    expect([0, 7640, 59_940, 59_960, 192_000].map(tookText)).toEqual([
      '0.0 s',
      '7.6 s',
      '59.9 s',
      '1 min',
      '3 min 12 s',
    ])
  })
})

describe('planText', () => {
  it('does not call a size unknown before the source was asked', () => {
    expect(planText({ sizeBytes: null, partsTotal: null, partSizeBytes: null, acceptsRanges: null })).toBe(
      'not planned yet',
    )
  })

  it('tells size, parts and what the source cannot do', () => {
    expect(planText({ sizeBytes: 133 * MIB, partsTotal: 17, partSizeBytes: 8 * MIB, acceptsRanges: true })).toBe(
      '133.0 MiB · 17 parts of 8.00 MiB',
    )
    expect(planText({ sizeBytes: null, partsTotal: null, partSizeBytes: 64 * MIB, acceptsRanges: false })).toBe(
      'size not known · parts of 64.0 MiB · one stream',
    )
  })
})
