import { afterEach, describe, expect, test, vi } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { OriginBreaker } from './origin-breaker.ts'

afterEach(() => vi.useRealTimers())

const unwell = () => Promise.reject(new TransferError('source_error', 'x', { retry: 'later', facts: { status: 500 } }))
const missing = () => Promise.reject(new TransferError('source_not_found', 'x', { facts: { status: 404 } }))
const well = async () => 'well'

/** One that has opened after five failures. */
async function opened(): Promise<OriginBreaker> {
  vi.useFakeTimers()
  const breaker = new OriginBreaker({ isOn: true, failures: 5, openMs: 60_000 })
  for (let time = 0; time < 5; time++) await breaker.run(unwell).catch(() => undefined)
  return breaker
}

describe('the circuit breaker of an origin', () => {
  test('opens after so many failures in a row, and refuses with the time to wait', async () => {
    const breaker = await opened()
    expect([breaker.state, breaker.trips, breaker.isRefusing]).toEqual(['open', 1, true])
    await expect(breaker.run(well)).rejects.toMatchObject({ code: 'source_error', retryAfterMs: 60_000 })
  })

  test('a success in between starts the count anew; a missing file and an abort are no failures', async () => {
    const breaker = new OriginBreaker({ isOn: true, failures: 2, openMs: 60_000 })
    await breaker.run(unwell).catch(() => undefined)
    await breaker.run(well)
    await breaker.run(unwell).catch(() => undefined)
    for (let time = 0; time < 5; time++) {
      await breaker.run(missing).catch(() => undefined)
      await breaker.run(() => Promise.reject(new Error('The reader went away.'))).catch(() => undefined)
    }
    expect(breaker.state).toBe('closed')
  })

  test('an HTTP/2 connection that breaks is one failure, however many shared it', async () => {
    const breaker = new OriginBreaker({ isOn: true, failures: 2, openMs: 60_000 })
    const lost = (errorCode: string) => () =>
      Promise.reject(new TransferError('connection_lost', 'x', { retry: 'now', facts: { errorCode } }))
    await breaker.run(lost('ECONNRESET')).catch(() => undefined)
    for (let time = 0; time < 5; time++) await breaker.run(lost('HTTP2_SHARED')).catch(() => undefined)
    expect(breaker.state).toBe('closed')
    await breaker.run(lost('ECONNRESET')).catch(() => undefined)
    expect(breaker.state).toBe('open')
  })

  test('after its time three trials have to succeed', async () => {
    const breaker = await opened()
    const openedAtMs = Date.now()
    vi.advanceTimersByTime(20_000)
    expect(breaker.openUntilMs).toBe(openedAtMs + 60_000)
    vi.advanceTimersByTime(40_000)
    expect([breaker.isRefusing, breaker.state, breaker.openUntilMs]).toEqual([false, 'half-open', null])
    const states = []
    for (let trial = 0; trial < 3; trial++) {
      await breaker.run(well)
      states.push(breaker.state)
    }
    expect(states).toEqual(['half-open', 'half-open', 'closed'])
  })

  test('one trial that fails opens it again', async () => {
    const breaker = await opened()
    vi.advanceTimersByTime(60_000)
    await breaker.run(well)
    await breaker.run(unwell).catch(() => undefined)
    expect([breaker.state, breaker.trips, breaker.isRefusing]).toEqual(['open', 2, true])
  })

  test('no more than three trials are under way at once', async () => {
    const breaker = await opened()
    vi.advanceTimersByTime(60_000)
    const gate = Promise.withResolvers<void>()
    let started = 0
    const trials = Array.from({ length: 10 }, () =>
      breaker.run(async () => {
        started++
        await gate.promise
      }),
    )
    await vi.advanceTimersByTimeAsync(10)
    expect(started).toBe(3)
    gate.resolve()
    await Promise.all(trials)
    expect([started, breaker.state]).toEqual([10, 'closed'])
  })

  test('switched off it never opens', async () => {
    const breaker = new OriginBreaker({ isOn: false, failures: 1, openMs: 60_000 })
    for (let time = 0; time < 5; time++) await breaker.run(unwell).catch(() => undefined)
    expect(breaker.state).toBe('closed')
  })
})
