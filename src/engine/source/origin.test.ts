import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Origin, type ReadLane } from './origin.ts'
import { baseUrlOf, Origins } from './origins.ts'

const open = new AbortController().signal

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Takes lanes until one would have to wait. */
async function takeAll(origin: Origin): Promise<ReadLane[]> {
  const lanes: ReadLane[] = []
  while (origin.hasRoom) lanes.push(await origin.acquire(open))
  return lanes
}

/** True where the promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.then(
    () => (settled = true),
    () => (settled = true),
  )
  await vi.advanceTimersByTimeAsync(0)
  return settled
}

describe('an origin', () => {
  it('hands out as many lanes as it wants, and the next when one comes back, in the order of asking', async () => {
    const origin = new Origin('http://a:80')
    const lanes = await takeAll(origin)
    expect(lanes).toHaveLength(8)
    const first = origin.acquire(open)
    const second = origin.acquire(open)
    expect(await isSettled(first)).toBe(false)
    lanes[0]?.release()
    expect(await isSettled(first)).toBe(true)
    expect(await isSettled(second)).toBe(false)
    lanes[1]?.release()
    expect(await isSettled(second)).toBe(true)
    expect(origin.activeLanes).toBe(8)
  })

  it('gives one that has none a lane beyond what is wanted, and no second one', async () => {
    const origin = new Origin('http://a:80')
    const lanes = await takeAll(origin)
    const newcomer = {}
    await origin.acquire(open, newcomer)
    expect(origin.activeLanes).toBe(9)
    const second = origin.acquire(open, newcomer)
    expect(await isSettled(second)).toBe(false)
    // What was given beyond is made good first.
    lanes[0]?.release()
    expect(await isSettled(second)).toBe(false)
    lanes[1]?.release()
    expect(await isSettled(second)).toBe(true)
  })

  it('does so not beyond what the source was seen to stand', async () => {
    const origin = new Origin('http://a:80', { fixedLanes: 2 })
    const lanes = await takeAll(origin)
    const waiting = origin.acquire(open, {})
    expect(await isSettled(waiting)).toBe(false)
    lanes[0]?.release()
    expect(await isSettled(waiting)).toBe(true)
  })

  it('gives the next lane to whoever has the fewest, so that two share it evenly', async () => {
    const origin = new Origin('http://a:80', { fixedLanes: 8 })
    const [one, two] = [{ name: 'one' }, { name: 'two' }]
    const lanes: ReadLane[] = []
    for (let lane = 0; lane < 8; lane++) lanes.push(await origin.acquire(open, one))
    const counts = { one: 8, two: 0 }
    for (const holder of [one, one, one, one, two, two, two, two, two, two] as const)
      void origin.acquire(open, holder).then(() => counts[holder.name as 'one' | 'two']++)
    for (const lane of lanes.slice(0, 6)) {
      counts.one--
      lane.release()
      await vi.advanceTimersByTimeAsync(0)
    }
    expect(counts).toEqual({ one: 4, two: 4 })
  })

  it('serves a reader who waits before a transfer, and a transfer all the same', async () => {
    const origin = new Origin('http://a:80', { fixedLanes: 1 })
    let lane = await origin.acquire(open)
    const order: string[] = []
    const wait = (name: string, isUrgent: boolean) =>
      void origin.acquire(open, { name }, isUrgent).then((granted) => {
        order.push(name)
        lane = granted
      })
    wait('transfer', false)
    for (let reader = 0; reader < 10; reader++) wait('reader', true)
    for (let turn = 0; turn < 11; turn++) {
      lane.release()
      await vi.advanceTimersByTimeAsync(0)
    }
    expect(order).toEqual([...Array(8).fill('reader'), 'transfer', 'reader', 'reader'])
  })

  it('does not count a lane that is given back twice', async () => {
    const origin = new Origin('http://a:80')
    const [lane] = await takeAll(origin)
    lane?.release()
    lane?.release()
    expect(origin.activeLanes).toBe(7)
  })

  it('lets a waiting reader go without taking a lane', async () => {
    const origin = new Origin('http://a:80')
    const lanes = await takeAll(origin)
    const stop = new AbortController()
    const waiting = origin.acquire(stop.signal)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    lanes[0]?.release()
    expect(origin.activeLanes).toBe(7)
    await expect(origin.acquire(stop.signal)).rejects.toThrow('enough')
  })

  it('lets nobody ask before the time the source gave, and everybody after it', async () => {
    const origin = new Origin('http://a:80')
    const lane = await origin.acquire(open)
    origin.slowDown(5_000)
    lane.release()
    const waiting = [origin.acquire(open), origin.acquire(open)]
    await vi.advanceTimersByTimeAsync(4_900)
    expect(origin.activeLanes).toBe(0)
    await vi.advanceTimersByTimeAsync(150)
    expect(origin.activeLanes).toBe(2)
    await Promise.all(waiting)
  })

  it('does not wait for a Retry-After of 0', async () => {
    const origin = new Origin('http://a:80')
    origin.slowDown(0)
    expect(origin.hasRoom).toBe(true)
  })

  it('has fewer lanes at once when refused, and a burst ends at the number that was served', async () => {
    const origin = new Origin('http://a:80', { learnedLanes: 16 })
    const lanes = await takeAll(origin)
    expect(lanes).toHaveLength(16)
    for (const lane of lanes.slice(9)) {
      lane.refused()
      lane.release()
    }
    expect(origin.lanes).toBe(9)
    expect(origin.hasRoom).toBe(false)
  })

  it('takes one lost connection for bad luck and three at once for a refusal', async () => {
    const origin = new Origin('http://a:80')
    const lanes = await takeAll(origin)
    lanes[0]?.lost()
    await vi.advanceTimersByTimeAsync(2_000)
    lanes[1]?.lost()
    lanes[2]?.lost()
    expect(origin.lanes).toBe(8)
    lanes[3]?.lost()
    expect(origin.lanes).toBe(7)
  })

  it('grows while its lanes deliver more the more there are, never above 64', async () => {
    const origin = new Origin('http://a:80', { busyShare: () => 0 })
    let lanes: ReadLane[] = []
    let peak = 0
    for (let step = 0; step < 200; step++) {
      lanes.push(...(await takeAll(origin)))
      for (const lane of lanes) lane.delivered(10_000)
      await vi.advanceTimersByTimeAsync(50)
      if (step % 10 === 0) {
        for (const lane of lanes) lane.release()
        lanes = []
      }
      peak = Math.max(peak, origin.activeLanes)
    }
    expect(origin.lanes).toBe(64)
    expect(peak).toBe(64)
    for (const lane of lanes) lane.release()
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1_100)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('learns nothing while it is held back', async () => {
    const origin = new Origin('http://a:80')
    const lanes = await takeAll(origin)
    for (let step = 0; step < 100; step++) {
      for (const lane of lanes) lane.delivered(10_000)
      origin.heldBack()
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(origin.lanes).toBe(8)
    expect(origin.learnedLanes).toBeNull()
    for (const lane of lanes) lane.release()
  })

  it('whose connections are fast counts lanes that stand still, and gives nobody a lane beyond what is wanted', async () => {
    const origin = new Origin('http://a:80', { busyShare: () => 0 })
    const lanes = await takeAll(origin)
    // All together bring 1,000 MiB/s, however many there are.
    const deliver = async (steps: number) => {
      for (let step = 0; step < steps; step++) {
        for (const lane of lanes) lane.delivered((50 * 1024 * 1024) / lanes.length)
        await vi.advanceTimersByTimeAsync(50)
      }
    }
    await deliver(8)
    expect(origin.lanes).toBe(2)
    for (const lane of lanes.splice(2)) lane.release()
    lanes[0]?.hold(true)
    const [more, newcomer] = [origin.acquire(open), origin.acquire(open, {})]
    expect(await isSettled(more)).toBe(false)
    expect(await isSettled(newcomer)).toBe(false)
    // A reader does not wait.
    lanes.push(await origin.acquire(open, {}, true))
    // The bucket takes little: what stands still is no load any more, and who waits may go on.
    for (let step = 0; step < 40; step++) {
      lanes[1]?.delivered(1024)
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(await isSettled(more)).toBe(true)
    expect(await isSettled(newcomer)).toBe(true)
    for (const lane of [...lanes, await more, await newcomer]) lane.release()
  })

  it.each([
    ['that answers late', 160, 1000, true],
    ['whose connections are slow', 10, 5, true],
    ['that does neither', 10, 100, false],
  ])(
    'says of a source %s how long a MiB takes, and whether that is long',
    async (_, firstByteMs, mibPerSecond, isLate) => {
      const origin = new Origin('http://a:80')
      expect([origin.mebibyteMs, origin.isLate]).toEqual([0, false])
      const lane = await origin.acquire(open)
      await vi.advanceTimersByTimeAsync(firstByteMs)
      lane.delivered(1)
      await vi.advanceTimersByTimeAsync(1_000)
      lane.delivered(mibPerSecond * 1024 * 1024 - 1)
      lane.release()
      expect(origin.mebibyteMs).toBeCloseTo(firstByteMs + 1000 / mibPerSecond)
      expect(origin.isLate).toBe(isLate)
    },
  )

  it('keeps a fixed number where one is set', async () => {
    const origin = new Origin('http://a:80', { fixedLanes: 10, learnedLanes: 40 })
    expect(await takeAll(origin)).toHaveLength(10)
  })
})

describe('the origins of a process', () => {
  it('are one object for all URLs of a scheme, host and port, learned lanes loaded once', async () => {
    const load = vi.fn(async () => 24)
    const origins = new Origins({ load, save: async () => {} })
    const [one, two] = await Promise.all([origins.of('http://h/a?token=x'), origins.of('http://h:80/b')])
    expect(one).toBe(two)
    expect(one.lanes).toBe(24)
    expect(load).toHaveBeenCalledOnce()
    expect(await origins.of('https://h/a')).not.toBe(one)
  })

  it('are forgotten when there are very many and nobody reads from them', async () => {
    const load = vi.fn(async () => null)
    const origins = new Origins({ load, save: async () => {} })
    const busy = await origins.of('http://busy/')
    const lane = await busy.acquire(open)
    await origins.of('http://idle/')
    for (let n = 0; n < 1_100; n++) await origins.of(`http://h${n}/`)
    await vi.advanceTimersByTimeAsync(0)
    expect(await origins.of('http://busy/')).toBe(busy)
    load.mockClear()
    await origins.of('http://idle/')
    expect(load).toHaveBeenCalledOnce()
    lane.release()
  })

  it('do without memory where it cannot be read', async () => {
    const origins = new Origins({ load: () => Promise.reject(new Error('away')), save: async () => {} })
    expect((await origins.of('http://h/')).lanes).toBe(8)
  })

  it('write what was learned once, and again only when it has changed', async () => {
    const save = vi.fn(async () => {})
    const origins = new Origins({ load: async () => null, save })
    const origin = await origins.of('http://h/')
    await origins.remember(origin)
    expect(save).not.toHaveBeenCalled()
    const lanes = await takeAll(origin)
    lanes[0]?.refused()
    await origins.remember(origin)
    await origins.remember(origin)
    expect(save.mock.calls).toEqual([['http://h:80', 7]])
    lanes[1]?.refused()
    for (const lane of lanes) lane.release()
  })

  it('are named without path, user and secret', () => {
    expect(baseUrlOf('https://user:pass@files.example.org/a/b?sig=1#x')).toBe('https://files.example.org:443')
    expect(baseUrlOf('http://[::1]:8080/a')).toBe('http://[::1]:8080')
  })
})
