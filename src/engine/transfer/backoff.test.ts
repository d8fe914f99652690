import { describe, expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { Attempts, backoffMs } from './backoff.ts'

describe('Attempts', () => {
  const signal = new AbortController().signal

  it('waits longer each time, and as long as the other side asked', () => {
    expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, undefined, () => 0))).toEqual([200, 400, 800, 1600])
    expect(backoffMs(20, undefined, () => 1)).toBe(20_000)
    expect(backoffMs(1, 5_000)).toBe(5_000)
  })

  it('passes on at once what trying again cannot mend', async () => {
    const gone = new TransferError('source_not_found', 'gone')
    await expect(new Attempts().failed(gone, signal)).rejects.toBe(gone)
    const bug = new TypeError('a bug')
    await expect(new Attempts().failed(bug, signal)).rejects.toBe(bug)
  })

  it('leaves waits of more than a minute to the transfer, because a lane that waits holds memory', async () => {
    const busy = new TransferError('source_rate_limited', 'busy', { retry: 'now', retryAfterMs: 3_600_000 })
    await expect(new Attempts().failed(busy, signal)).rejects.toBe(busy)
    const later = new TransferError('source_rate_limited', 'busy', { retry: 'later', retryAfterMs: 3_600_000 })
    await expect(new Attempts().refused(later, signal)).rejects.toBe(later)
  })

  it.each([
    ['source_rate_limited', 10],
    ['source_error', 6],
    ['source_forbidden', 4],
  ] as const)(
    'passes a refusal on (%s) after %i in a row, and begins to count anew with progress',
    async (code, most) => {
      const busy = new TransferError(code, 'busy', { retry: code === 'source_forbidden' ? 'never' : 'later' })
      const waits: number[] = []
      const attempts = new Attempts(async (ms) => void waits.push(ms))
      for (let count = 1; count < most; count++) await attempts.refused(busy, signal)
      attempts.progressed()
      for (let count = 1; count < most; count++) await attempts.refused(busy, signal)
      await expect(attempts.refused(busy, signal)).rejects.toBe(busy)
      expect(waits).toHaveLength(2 * (most - 1))
      expect(waits[most - 2]).toBeGreaterThanOrEqual(100 * 2 ** Math.min(most - 1, 6))
    },
  )

  it('is no failure when the work was stopped: the reason of the stop is what comes out', async () => {
    const stopper = new AbortController()
    const lost = new TransferError('connection_lost', 'reset', { retry: 'now' })
    const waiting = new Attempts().failed(lost, stopper.signal)
    stopper.abort(new Error('paused'))
    await expect(waiting).rejects.toThrow('paused')
  })
})
