import { describe, expect, it } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import { tookText } from '../../../server/domain/duration.ts'
import { doneFraction, elapsedMs, percentText, planText, readAgainFraction, rereadOf } from './transfer-summary.ts'

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

describe('readAgainFraction', () => {
  it('is a share of the size while the source is read again, and nothing else', () => {
    const reading = { ...running, readingAgain: { algorithm: 'sha256' as const, readBytes: 250 }, readingBack: null }
    expect(readAgainFraction(reading)).toBe(0.25)
    expect(readAgainFraction({ ...reading, readingAgain: null })).toBeNull()
    expect(readAgainFraction({ ...reading, status: 'paused' })).toBeNull()
    expect(readAgainFraction({ ...reading, sizeBytes: null })).toBeNull()
    const back = { ...reading, status: 'verifying' as const, readingAgain: null, readingBack: { readBytes: 500 } }
    expect(readAgainFraction(back)).toBe(0.5)
    expect(rereadOf(back)?.title).toBe('Reading the object back from the bucket')
    expect(readAgainFraction({ ...back, status: 'completed' })).toBeNull()
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
    const unasked = { sizeBytes: null, partsTotal: null, partSizeBytes: null, acceptsRanges: null }
    expect(planText({ status: 'running', ...unasked })).toBe('not planned yet')
    expect(planText({ status: 'failed', ...unasked })).toBe('never planned')
  })

  it('tells size, parts and what the source cannot do', () => {
    expect(
      planText({
        status: 'running',
        sizeBytes: 133 * MIB,
        partsTotal: 17,
        partSizeBytes: 8 * MIB,
        acceptsRanges: true,
      }),
    ).toBe('133.0 MiB · 17 parts of 8.00 MiB')
    expect(
      planText({ status: 'running', sizeBytes: null, partsTotal: null, partSizeBytes: 64 * MIB, acceptsRanges: false }),
    ).toBe('size not known · parts of 64.0 MiB · one stream')
  })
})
