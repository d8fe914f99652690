import { describe, expect, it } from 'vitest'
import type { TransferMetrics } from '../domain/transfer.ts'
import { sumMetrics } from './sum-metrics.ts'
import { movingParts, type TransferRow, toTransferView } from './transfer-view.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')

function row(more: Partial<TransferRow>): TransferRow {
  return {
    id: '0190b6b0-0000-7000-8000-000000000000',
    status: 'running',
    sourceUrl: 'https://example.org/x',
    sourceHost: 'example.org',
    key: 'a/b/file.bin',
    bucketId: '0190b6b0-0000-7000-8000-000000000001',
    bucket: { name: 'archive' },
    bandwidthLimitBytesPerSecond: null,
    priority: 0,
    trustLengthAndDate: false,
    oneTimeLink: false,
    startAt: null,
    nextRunAt: null,
    cancelRequestedAt: null,
    sizeBytes: 1000n,
    acceptsRanges: true,
    partSizeBytes: 100n,
    partsTotal: 10,
    doneBytes: 400n,
    partsDone: 4,
    live: {},
    metrics: {},
    failure: null,
    warnings: [],
    verification: null,
    createdAt: new Date(NOW),
    startedAt: null,
    finishedAt: null,
    ...more,
  }
}

const live = (more: object = {}) => ({
  at: new Date(NOW - 1000).toISOString(),
  inflightBytes: 50,
  bytesPerSecond: 100,
  readLanes: 4,
  uploadLanes: 2,
  bufferedBytes: 7,
  movingParts: [5, 6],
  ...more,
})

describe('toTransferView', () => {
  it('says until when it waits, as long as it does', () => {
    const nextRunAt = new Date(NOW + 40_000)
    for (const status of ['queued', 'running', 'verifying'] as const)
      expect(toTransferView(row({ status, nextRunAt }), NOW).nextRunAt).toBe(nextRunAt)
    for (const status of ['paused', 'failed', 'completed', 'cancelled'] as const)
      expect(toTransferView(row({ status, nextRunAt }), NOW).nextRunAt).toBeNull()
    expect(toTransferView(row({ status: 'queued', nextRunAt }), NOW + 40_000).nextRunAt).toBeNull()
  })

  it('says how far the second read is, by whoever said it last, and how long that takes still', () => {
    const all = row({ doneBytes: 1000n, partsDone: 10, live: {} })
    expect(toTransferView(all, NOW)).toMatchObject({ readingAgain: null, etaSeconds: null })
    const reading = (readBytes: number, agoMs: number) =>
      live({
        at: new Date(NOW - agoMs).toISOString(),
        ...{ inflightBytes: 0, movingParts: [], readingAgain: { algorithm: 'sha256', readBytes } },
      })
    const view = toTransferView({ ...all, live: { alive: reading(300, 500) } }, NOW)
    expect(view).toMatchObject({ transferredBytes: 1000, bytesPerSecond: 100, etaSeconds: 7 })
    expect(view.readingAgain).toEqual({ algorithm: 'sha256', readBytes: 300 })
    const both = { dead: reading(900, 9000), alive: reading(300, 500) }
    expect(toTransferView({ ...all, live: both }, NOW).readingAgain?.readBytes).toBe(300)
    expect(toTransferView({ ...all, live: { dead: reading(900, 11_000) } }, NOW).readingAgain).toBeNull()
    expect(toTransferView({ ...all, live: both, status: 'paused' }, NOW).readingAgain).toBeNull()
  })

  it('says how far an object is read back, and how long that takes still, while it is verified', () => {
    const reading = live({
      at: new Date(NOW - 500).toISOString(),
      ...{ inflightBytes: 0, movingParts: [], readLanes: 0, readingBack: { readBytes: 400 } },
    })
    const verifying = row({ doneBytes: 1000n, partsDone: 10, status: 'verifying', live: { one: reading } })
    expect(toTransferView(verifying, NOW)).toMatchObject({
      ...{ readingBack: { readBytes: 400 }, readingAgain: null, transferredBytes: 1000 },
      ...{ bytesPerSecond: 100, etaSeconds: 6 },
    })
    const asked = toTransferView({ ...verifying, live: {} }, NOW)
    expect(asked).toMatchObject({ readingBack: null, bytesPerSecond: null, etaSeconds: null })
    expect(toTransferView({ ...verifying, status: 'completed' }, NOW).readingBack).toBeNull()
  })

  it('correctness 54: adds up what several engines report; the time left is all that remains over all speed', () => {
    const view = toTransferView(row({ live: { a: live(), b: live({ movingParts: [6, 9], inflightBytes: 25 }) } }), NOW)
    expect(view).toMatchObject({
      name: 'file.bin',
      transferredBytes: 475,
      bytesPerSecond: 200,
      etaSeconds: 3,
      readLanes: 8,
      uploadLanes: 4,
      bufferedBytes: 14,
    })
    expect(movingParts(row({ live: { a: live(), b: live({ movingParts: [6, 9] }) } }), NOW)).toEqual([5, 6, 9])
  })

  it('leaves out an engine that has been silent for ten seconds, and entries it cannot read', () => {
    const old = live({ at: new Date(NOW - 10_000).toISOString() })
    const view = toTransferView(row({ live: { a: old, b: { at: 'never' }, c: 7 } }), NOW)
    expect(view).toMatchObject({ transferredBytes: 400, bytesPerSecond: null, etaSeconds: null, readLanes: 0 })
  })

  it('correctness 54: never shows more bytes than the file has', () => {
    const view = toTransferView(row({ live: { a: live({ inflightBytes: 5000 }) } }), NOW)
    expect(view).toMatchObject({ transferredBytes: 1000, etaSeconds: 0 })
  })

  it('counts nothing in flight for a transfer that stands still, and all of a completed one', () => {
    expect(toTransferView(row({ status: 'paused', live: { a: live() } }), NOW)).toMatchObject({
      transferredBytes: 400,
      bytesPerSecond: null,
    })
    expect(toTransferView(row({ status: 'completed', doneBytes: 0n }), NOW)).toMatchObject({ transferredBytes: 1000 })
  })

  it('has no time left to tell while the size is unknown or nothing moves', () => {
    expect(toTransferView(row({ sizeBytes: null, live: { a: live() } }), NOW)).toMatchObject({
      transferredBytes: 450,
      sizeBytes: null,
      etaSeconds: null,
    })
    expect(toTransferView(row({ live: { a: live({ bytesPerSecond: 0 }) } }), NOW).etaSeconds).toBeNull()
  })

  it('is cancelling from the wish until the end', () => {
    const cancelRequestedAt = new Date(NOW)
    expect(toTransferView(row({ cancelRequestedAt }), NOW).cancelling).toBe(true)
    expect(toTransferView(row({ cancelRequestedAt, status: 'cancelled' }), NOW).cancelling).toBe(false)
  })
})

describe('sumMetrics', () => {
  const metrics = (more: Partial<TransferMetrics>): TransferMetrics => ({ ...sumMetrics([]), ...more })

  it('leaves the counters of a lone engine as they are', () => {
    const only = metrics({ averagePauseMs: 12, activePercent: 99, timeToFirstByteMs: 5 })
    expect(sumMetrics([only])).toEqual(only)
  })

  it('adds counts, takes the highest peak and makes ratios anew', () => {
    const sum = sumMetrics([
      metrics({ pauses: 1, pausedMs: 100, peakReadLanes: 8, activeMs: 1000, activePercent: 100, timeToFirstByteMs: 9 }),
      metrics({ pauses: 3, pausedMs: 100, peakReadLanes: 4, activeMs: 3000, activePercent: 60, timeToFirstByteMs: 4 }),
    ])
    expect(sum).toMatchObject({
      pauses: 4,
      averagePauseMs: 50,
      peakReadLanes: 8,
      activePercent: 70,
      timeToFirstByteMs: 4,
      progressUpdateRatio: 0,
    })
  })
})
