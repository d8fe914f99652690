import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { Origin, type ReadLane } from '../source/origin.ts'
import { PushBackNotes, pushBackOf, tellOrigin } from './push-back.ts'

const forbidden = new TransferError('source_forbidden', 'No.', { facts: { status: 403 } })
const open = new AbortController().signal
const answered = (status: number, retryAfterMs?: number) =>
  new TransferError(status === 429 ? 'source_rate_limited' : 'source_error', 'No.', {
    retry: 'later',
    facts: { status },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function busy(): Promise<{ origin: Origin; lane: ReadLane }> {
  const origin = new Origin('http://a:80')
  const lanes: ReadLane[] = []
  while (origin.hasRoom) lanes.push(await origin.acquire(open))
  const [lane] = lanes
  if (!lane) throw new Error('no lane')
  return { origin, lane }
}

describe('what an origin is told', () => {
  it.each([
    ['429', answered(429), 7],
    ['503', answered(503), 7],
    ['a refused connection', new TransferError('connection_refused', 'No.', { retry: 'later' }), 7],
    ['a 500', answered(500), 8],
    ['a lost connection', new TransferError('connection_lost', 'Gone.', { retry: 'now' }), 8],
    ['a file that is gone', new TransferError('source_not_found', 'Gone.'), 8],
    ['a stop', new Error('stop'), 8],
  ])('after %s', async (_, error, lanes) => {
    const { origin, lane } = await busy()
    tellOrigin(origin, lane, error, true)
    expect(origin.lanes).toBe(lanes)
  })

  it('correctness 24: fewer lanes after a 403 where others get through, and none of a 403 about the link', async () => {
    const { origin, lane } = await busy()
    tellOrigin(origin, lane, forbidden, true)
    expect(origin.lanes).toBe(8)
    tellOrigin(origin, lane, forbidden, true, true)
    expect(origin.lanes).toBe(7)
  })

  it('correctness 24: a 403 is push-back where other lanes read the same file, and a failure everywhere else', () => {
    expect(pushBackOf(forbidden)).toBeNull()
    expect(pushBackOf(forbidden, true)).toEqual({ error: forbidden, what: 'answered 403' })
  })

  it.each(['connection_lost', 'source_truncated', 'idle_timeout'] as const)(
    'correctness 24: one %s is bad luck, three at once are a refusal',
    async (code) => {
      const { origin, lane } = await busy()
      const error = new TransferError(code, 'Gone.', { retry: 'now' })
      for (const lanes of [8, 8, 7]) {
        tellOrigin(origin, lane, error, true)
        expect(origin.lanes).toBe(lanes)
      }
    },
  )

  it('keeps its lanes where the refusals are those of one broken file, but waits as asked', async () => {
    const { origin, lane } = await busy()
    tellOrigin(origin, lane, answered(503, 2_000), false)
    expect(origin.lanes).toBe(8)
    lane.release()
    expect(origin.hasRoom).toBe(false)
    await vi.advanceTimersByTimeAsync(2_001)
    expect(origin.hasRoom).toBe(true)
  })
})

describe('what a transfer is told', () => {
  it('is one sentence for a burst, and the next after ten seconds', async () => {
    const { origin, lane } = await busy()
    const told: string[] = []
    const notes = new PushBackNotes(origin, (message) => told.push(message))
    for (let index = 0; index < 5; index++) {
      const before = origin.lanes
      tellOrigin(origin, lane, answered(429, 3_000), true)
      notes.note(answered(429, 3_000), before)
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(told).toEqual(['The source answered 429: read lanes 8 → 7. It asked for a wait of 3 s.'])
    notes.note(answered(429), 7)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(told).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(10_000)
    notes.note(answered(503), origin.lanes)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(told[1]).toBe('The source answered 503: tried again.')
  })

  it('says nothing of other faults, and nothing after the end', async () => {
    const { origin } = await busy()
    const told: string[] = []
    const notes = new PushBackNotes(origin, (message) => told.push(message))
    notes.note(new TransferError('connection_lost', 'Gone.', { retry: 'now' }), 8)
    notes.note(answered(429), 8)
    notes.close()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(told).toEqual([])
  })
})
