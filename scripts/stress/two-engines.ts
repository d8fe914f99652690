import { startChaosStack } from '../../e2e/chaos/chaos-stack.ts'
import { findViolations } from '../../e2e/chaos/invariants.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { quantile, type StressRun } from './stress-run.ts'

const ROUNDS = 2
const SIZE_BYTES = 240 * MIB
/** Each engine has two connections to the source of so much each: it is the bottleneck, not this machine. */
const LANES = 2
const LANE_BYTES_PER_SECOND = 2 * MIB

/**
 * `npm run stress -- two-engines`: the same file by one engine and by two, in turns, where each engine is limited to 4 MiB/s.
 * Prints how many times faster two are; whoever reads it judges (1.8 is the aim).
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
            SLUICE_READ_LANES: String(LANES),
            SLUICE_LEASE_MS: '30000',
          })
        const startedMs = performance.now()
        const input = { lanes: LANES, partSizeBytes: 6 * MIB }
        const one = await stack.begin({ sizeBytes, bytesPerSecond: LANE_BYTES_PER_SECOND, input, isWatched: false })
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
  return violations.length === 0 ? 0 : 1
}
