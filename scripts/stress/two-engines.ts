import { startChaosStack } from '../../e2e/chaos/chaos-stack.ts'
import { findViolations } from '../../e2e/chaos/invariants.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { quantile, type StressRun } from './stress-run.ts'

const ROUNDS = 2
// Long enough that beginning and end, which are not shared, count little.
const SIZE_BYTES = 480 * MIB
/** What one engine may read in a second: it is the bottleneck, not the source, the bucket or this machine. */
const ENGINE_LIMIT = '8MiB'
/** How much faster two have to be, at least. */
const LEAST_TIMES = 1.8

/**
 * `npm run stress -- two-engines`: the same file by one engine and by two, in turns, each engine limited in bandwidth and at an address of its
 * own. Fails where two are not 1.8 times as fast as one, or an invariant does not hold.
 */
export const runTwoEngines: StressRun = async ({ wanted, database, signal, say }) => {
  const stack = await startChaosStack({ database })
  const sizeBytes = wanted.maxSizeBytes ?? SIZE_BYTES
  const seconds: Record<1 | 2, number[]> = { 1: [], 2: [] }
  const violations: string[] = []
  try {
    for (let round = 0; round < ROUNDS && !signal.aborted; round++)
      for (const engines of [1, 2] as const) {
        for (let index = 0; index < engines; index++)
          await stack.startEngine({
            SLUICE_HOST: `127.0.0.${index + 1}`,
            SLUICE_BANDWIDTH_LIMIT: ENGINE_LIMIT,
            SLUICE_LEASE_MS: '30000',
          })
        const startedMs = performance.now()
        const one = await stack.begin({ sizeBytes, input: { partSizeBytes: 6 * MIB }, isWatched: false })
        await stack.waitFor(one.id, 'completed', 'failed')
        const took = (performance.now() - startedMs) / 1000
        seconds[engines].push(took)
        violations.push(...(await findViolations(await one.facts({ status: 'completed' }))))
        const parts = await database.db.part.groupBy({ by: ['engineId'], where: { transferId: one.id }, _count: true })
        say(`${engines} engine(s): ${took.toFixed(1)} s, ${parts.map((row) => row._count).join(' + ')} parts`)
        await stack.endEngines()
      }
  } finally {
    await stack.close()
  }
  for (const violation of violations) say(violation)
  const [one, two] = [quantile(seconds[1], 0.5), quantile(seconds[2], 0.5)]
  say(
    `Two engines are ${(one / two).toFixed(2)} times as fast as one (${one.toFixed(1)} s and ${two.toFixed(1)} s, medians).`,
  )
  const isFaster = one / two >= LEAST_TIMES
  if (!isFaster) say(`That is less than ${LEAST_TIMES} times.`)
  return violations.length === 0 && isFaster ? 0 : 1
}
