import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EngineBandwidth, type Share } from './engine-bandwidth.ts'

const CHUNK = 1000

describe('EngineBandwidth', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** A lane that reads a chunk as soon as it may, for as long as it is wanted. */
  function lane(bandwidth: EngineBandwidth, share: Share, counter: { bytes: number; isOver?: boolean }) {
    const read = () => {
      if (counter.isOver) return
      counter.bytes += CHUNK
      if (bandwidth.take(share, CHUNK)) setTimeout(read, 1)
      else bandwidth.wait(share, CHUNK, read)
    }
    read()
  }

  function transfer(bandwidth: EngineBandwidth, lanes: number) {
    const counter: { bytes: number; isOver?: boolean } = { bytes: 0 }
    const share = bandwidth.share()
    for (let count = 0; count < lanes; count++) lane(bandwidth, share, counter)
    return counter
  }

  it('lets no more through than it allows, over all transfers, but for what each lane reads before it is told', async () => {
    const bandwidth = new EngineBandwidth(100_000)
    const transfers = [transfer(bandwidth, 8), transfer(bandwidth, 4), transfer(bandwidth, 1)]
    await vi.advanceTimersByTimeAsync(10_000)
    const bytes = transfers.reduce((sum, counter) => sum + counter.bytes, 0)
    expect(bytes).toBeLessThanOrEqual(10 * 100_000 + 13 * CHUNK)
    expect(bytes).toBeGreaterThan(9.8 * 100_000)
  })

  it('is shared evenly between transfers, however many lanes each has and whenever it came', async () => {
    const bandwidth = new EngineBandwidth(100_000)
    const many = transfer(bandwidth, 30)
    await vi.advanceTimersByTimeAsync(5_000)
    const before = many.bytes
    const late = transfer(bandwidth, 2)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(late.bytes).toBeGreaterThan(450_000)
    expect(many.bytes - before).toBeGreaterThan(450_000)
  })

  it('gives to the others what one does not use', async () => {
    const bandwidth = new EngineBandwidth(100_000)
    const one = transfer(bandwidth, 2)
    const other = transfer(bandwidth, 2)
    await vi.advanceTimersByTimeAsync(1_000)
    other.isOver = true
    const before = one.bytes
    await vi.advanceTimersByTimeAsync(10_000)
    expect(one.bytes - before).toBeGreaterThan(980_000)
  })

  it('charges nobody for lanes that wait in line when their transfer stops', async () => {
    const bandwidth = new EngineBandwidth(1_000)
    const stopping = new AbortController()
    const [stopped, other] = [bandwidth.share(), bandwidth.share()]
    const resumed = vi.fn()
    // The bucket is empty, and whoever waits is to be let go for a second's bytes each.
    expect(bandwidth.take(stopped, CHUNK)).toBe(false)
    for (let count = 0; count < 20; count++) bandwidth.wait(stopped, CHUNK, resumed, stopping.signal)
    stopping.abort()
    const went = vi.fn()
    bandwidth.wait(other, CHUNK, went)
    await vi.advanceTimersByTimeAsync(1_100)
    expect(went).toHaveBeenCalledTimes(1)
    expect(resumed).not.toHaveBeenCalled()
    expect(stopped.paidBytes).toBe(0)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('may be changed while bytes flow: lifting it lets everybody go, and lowering it holds', async () => {
    const bandwidth = new EngineBandwidth(1_000)
    const counter = transfer(bandwidth, 4)
    await vi.advanceTimersByTimeAsync(1_000)
    bandwidth.setLimit(null)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(counter.bytes).toBeGreaterThan(1_000_000)
    bandwidth.setLimit(1_000)
    const before = counter.bytes
    await vi.advanceTimersByTimeAsync(10_000)
    expect(counter.bytes - before).toBeLessThanOrEqual(10_000 + 4 * CHUNK)
  })

  it('holds nobody and keeps no timer without a limit', () => {
    const bandwidth = new EngineBandwidth()
    expect(bandwidth.take(bandwidth.share(), 1e12)).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
})
