import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import type { Db } from '../../src/server/db/client.ts'
import { slowness } from '../stack/slowness.ts'
import { until } from '../stack/until.ts'
import type { EngineProcess } from './engine-process.ts'
import { PROMISED_SECONDS } from './promised-seconds.ts'

/**
 * Fails where more time has passed since `sinceMs` than is promised; prints how much it was. A machine that is several times slower than
 * ours may take as many times longer (slowness.ts); on one like ours the bound is what is promised.
 */
export async function expectWithin(
  promise: keyof typeof PROMISED_SECONDS,
  what: string,
  sinceMs: number,
): Promise<void> {
  const seconds = (performance.now() - sinceMs) / 1000
  console.log(`${what} after ${seconds.toFixed(1)} s`)
  const promised = PROMISED_SECONDS[promise]
  expect(seconds, what).toBeLessThan(seconds < promised ? promised : promised * (await slowness()))
}

/** Settings of an engine that says when it was kept from running (tell-stalls.ts). */
export const TELLS_STALLS = {
  NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'tell-stalls.ts')).href}`,
}
/** Before the end of a lease, by when an engine must have stopped: more than what it takes off. */
const LAST_MS = 2_000

/** How long it was kept from running from `sinceMs` until it said something at `untilMs`. */
async function stalledMs(engine: EngineProcess, sinceMs: number, untilMs: number): Promise<number> {
  const pulses = () =>
    [...engine.logs().matchAll(/"pulseAtMs":(\d+),"lateMs":(\d+)/g)].map(([, at, late]) => [Number(at), Number(late)])
  await until('the next pulse of the engine', () => pulses().some(([at = 0]) => at > untilMs))
  const next = pulses().findIndex(([at = 0]) => at > untilMs)
  const counted = pulses().slice(0, next + 1)
  return counted.reduce((sum, [at = 0, late = 0]) => sum + (at > sinceMs ? late : 0), 0)
}

/**
 * Its own words and the database's clock, which here is the same: it stopped before the first of its leases had ended, but for the time in
 * which it could do nothing at all. It needs TELLS_STALLS.
 */
export async function expectStopBeforeLease(db: Db, engine: EngineProcess, transferId: string): Promise<void> {
  const stoppedAt = await until('the engine to say that it stops', () => {
    const line = engine
      .logs()
      .split('\n')
      .find((one) => one.includes('The lease could not be renewed in time'))
    return line ? Date.parse(JSON.parse(line).time) : null
  })
  const [lease] = await db.$queryRaw<{ held: number; endsAtMs: number }[]>`
    SELECT count(*)::int AS held, (extract(epoch FROM min("leaseUntil")) * 1000)::float8 AS "endsAtMs" FROM "PartClaim"
    WHERE "transferId" = ${transferId}::uuid AND "engineId" = ${engine.id}::uuid`
  expect(lease?.held, 'claims it held when it stopped').toBeGreaterThan(0)
  const endsAtMs = lease?.endsAtMs ?? 0
  const stalled = await stalledMs(engine, endsAtMs - LAST_MS, stoppedAt)
  console.log(
    `it stopped ${(endsAtMs - stoppedAt).toFixed(0)} ms before its leases ended; it stood still for ${stalled} ms`,
  )
  expect(stoppedAt - stalled).toBeLessThan(endsAtMs)
}
