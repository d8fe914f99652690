import { afterEach, describe, expect, it, vi } from 'vitest'
import { transferMetricsSchema } from '../../server/domain/transfer.ts'
import { Meter } from './meter.ts'

const MIB = 1024 * 1024

afterEach(() => vi.useRealTimers())

describe('Meter', () => {
  it('marks progress as due after one percent or 100 MiB, whichever is less, and not with each slice', () => {
    for (const [sizeBytes, stepBytes] of [
      [400 * MIB, 4 * MIB],
      [100_000 * MIB, 100 * MIB],
      [null, 100 * MIB],
    ] as const) {
      const meter = new Meter()
      meter.setSize(sizeBytes)
      meter.isDue = false
      meter.addBucket(stepBytes - 1)
      expect(meter.isDue).toBe(false)
      meter.addBucket(1)
      expect(meter.isDue).toBe(true)
    }
  })

  it('counts a pause once however often it is begun, and nothing for a resume without one', () => {
    const meter = new Meter()
    meter.resume()
    meter.pause()
    meter.pause()
    expect(meter.isPaused).toBe(true)
    meter.resume()
    meter.resume()
    expect(meter.metrics()).toMatchObject({ pauses: 1, resumes: 1 })
    expect(meter.isPaused).toBe(false)
  })

  it('gives what moved since the last time, and the whole in its metrics', () => {
    const meter = new Meter()
    meter.addSource(5)
    meter.addBucket(3)
    meter.sourceRetries++
    expect(meter.takeDelta()).toMatchObject({ sourceBytes: 5, bucketBytes: 3, retries: 1 })
    meter.addSource(1)
    meter.partRetries++
    expect(meter.takeDelta()).toMatchObject({ sourceBytes: 1, bucketBytes: 0, retries: 1 })
    expect(meter.metrics()).toMatchObject({ sourceBytes: 6, bucketBytes: 3, sourceRetries: 1, partRetries: 1 })
  })

  it('tells apart for what the source was paused, interval by interval, and counts a pause that goes on', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const meter = new Meter()
    meter.pause('memory')
    vi.advanceTimersByTime(200)
    meter.resume()
    meter.pause()
    vi.advanceTimersByTime(300)
    expect(meter.takeDelta()).toMatchObject({ memoryPausedMs: 200, bucketPausedMs: 300, durationMs: 500 })
    vi.advanceTimersByTime(100)
    expect(meter.takeDelta()).toMatchObject({ memoryPausedMs: 0, bucketPausedMs: 100 })
    expect(meter.metrics()).toMatchObject({ pauses: 2, pausedMs: 600, activePercent: 0 })
  })

  it('counts the time under a bandwidth limit once, however many lanes wait, and not before it has passed', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const meter = new Meter()
    meter.heldToRate(100)
    meter.heldToRate(300)
    vi.advanceTimersByTime(200)
    expect(meter.takeDelta().rateLimitMs).toBe(200)
    vi.advanceTimersByTime(500)
    expect(meter.takeDelta().rateLimitMs).toBe(100)
  })

  it('keeps the peaks of lanes and buffered bytes', () => {
    const meter = new Meter()
    meter.laneOpened('read')
    meter.laneOpened('read')
    meter.laneClosed('read')
    meter.laneOpened('upload')
    meter.noteBuffered(7)
    meter.noteBuffered(3)
    expect(meter.metrics()).toMatchObject({ peakReadLanes: 2, peakUploadLanes: 1, peakBufferedBytes: 7 })
    expect([meter.readLanes, meter.uploadLanes]).toEqual([1, 1])
  })

  it('has every counter the API names, before anything moved as well', () => {
    const meter = new Meter()
    const metrics = meter.metrics()
    expect(transferMetricsSchema.strict().parse(metrics)).toEqual(metrics)
    expect(meter.metrics()).toMatchObject({ timeToFirstByteMs: null, progressUpdateRatio: 0, averagePauseMs: 0 })
  })
})
