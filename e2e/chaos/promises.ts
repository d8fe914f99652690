import { expect } from 'vitest'
import type { Db } from '../../src/server/db/client.ts'
import { until } from '../stack/until.ts'
import type { EngineProcess } from './engine-process.ts'
import { PROMISED_SECONDS } from './promised-seconds.ts'

/** Fails where more time has passed since `sinceMs` than is promised; prints how much it was. */
export function expectWithin(promise: keyof typeof PROMISED_SECONDS, what: string, sinceMs: number): void {
  const seconds = (performance.now() - sinceMs) / 1000
  console.log(`${what} after ${seconds.toFixed(1)} s`)
  expect(seconds, what).toBeLessThan(PROMISED_SECONDS[promise])
}

/** Its own words and the database's clock, which here is the same: it stopped before the first of its leases had ended. */
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
  console.log(`it stopped ${((lease?.endsAtMs ?? 0) - stoppedAt).toFixed(0)} ms before its leases ended`)
  expect(stoppedAt).toBeLessThan(lease?.endsAtMs ?? 0)
}
