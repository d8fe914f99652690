import { setTimeout as delay } from 'node:timers/promises'
import { startChaosStack } from '../../e2e/chaos/chaos-stack.ts'
import { findViolations } from '../../e2e/chaos/invariants.ts'
import { startOwnPostgres } from '../../e2e/stack/own-postgres.ts'
import { MIB } from '../../src/server/domain/bytes.ts'

/** Of a lease: 15 s and 3 min away with leases of 30 s, and frozen for two of them. */
const SHORT_AWAY = 0.5
const LONG_AWAY = 6
const FROZEN = 2
const TRANSFERS = 2
const SIZE_BYTES = 120 * MIB

/**
 * Rows 20 and 22 of the chaos list at full times: Postgres crashes and is away for half a lease, then for six, then one of two engines
 * is frozen for two leases. Returns what does not hold. It has a Postgres and an embedded store of its own.
 */
export async function outageRound({
  leaseMs,
  signal,
}: {
  readonly leaseMs: number
  readonly signal: AbortSignal
}): Promise<string[]> {
  const postgres = await startOwnPostgres()
  const stack = await startChaosStack({ database: postgres.database })
  const pass = (leases: number) => delay(leases * leaseMs, undefined, { signal }).catch(() => {})
  try {
    const env = { SLUICE_LEASE_MS: String(leaseMs), SLUICE_READ_LANES: '4' }
    const engines = [await stack.startEngine(env), await stack.startEngine(env)]
    const bytesPerSecond = Math.max(MIB / 8, (SIZE_BYTES / (leaseMs / 1000)) * (1 / 16))
    const cases = await Promise.all(
      Array.from({ length: TRANSFERS }, () =>
        stack.begin({ sizeBytes: SIZE_BYTES, bytesPerSecond, input: { lanes: 4 } }),
      ),
    )
    const [first] = cases
    if (first) await stack.until(first.id, 'a part', ({ partsDone }) => partsDone >= 1)
    for (const leases of [SHORT_AWAY, LONG_AWAY]) {
      await postgres.crash()
      await pass(leases)
      await postgres.restart()
      for (const one of cases) await one.snapshot()
      // Long enough for leases to be had again, and for bytes to flow.
      await pass(SHORT_AWAY)
    }
    engines[0]?.freeze()
    await pass(FROZEN)
    engines[0]?.thaw()
    const violations: string[] = []
    for (const one of cases) {
      one.setRate(null)
      const { status } = await stack.waitFor(one.id, 'completed', 'failed', 'cancelled')
      if (status !== 'completed') violations.push(`It ended ${status}.`)
      violations.push(...(await findViolations(await one.facts({ status: 'completed', hasZombie: true }))))
    }
    for (const engine of engines) if (!engine.isRunning) violations.push('An engine ended by itself.')
    return violations
  } finally {
    await stack.close()
    await postgres.close()
  }
}
