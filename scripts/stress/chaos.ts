import { setTimeout as delay } from 'node:timers/promises'
import { type ChaosCase, type ChaosStack, startChaosStack } from '../../e2e/chaos/chaos-stack.ts'
import type { EngineProcess } from '../../e2e/chaos/engine-process.ts'
import { findViolations } from '../../e2e/chaos/invariants.ts'
import { runSchedule } from '../../e2e/chaos/schedule.ts'
import { startCeph } from '../../e2e/stack/ceph.ts'
import type { TestDatabase } from '../../e2e/stack/test-database.ts'
import { until } from '../../e2e/stack/until.ts'
import { seededRandom } from '../../src/engine/testing/seeded-random.ts'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { GIB, MIB } from '../../src/server/domain/bytes.ts'
import { outageRound } from './chaos-outages.ts'
import { archiveState, loadState, quantile, type StressRun, type StressState, saveState } from './stress-run.ts'

const KILLS = 200
const KILLS_A_ROUND = 40
const SMALLEST_BYTES = 64 * MIB
const SCHEDULE_COMMANDS = 40
/** A new store and source from time to time, so that what they remember of requests stays small. */
const ROUNDS_A_STACK = 4
/** Beyond its lease, a claim of the dead waits for the next look of a busy neighbour (3 s), and for a machine that does much else. */
const RECLAIM_ROOM_SECONDS = 12

/**
 * `npm run stress -- chaos`: of four rounds two in which engines are killed at random moments, one with outages at full length
 * (chaos-outages.ts) and one a random schedule of faults (e2e/chaos/schedule.ts), each judged by the shared invariants. Ends after so many kills, or when its time is up; with `--schedules`
 * there is nothing but schedules, for as long as is asked for.
 */
export const runChaos: StressRun = async ({ wanted, dataDir, database, signal, say }) => {
  const { state, isResumed } = loadState(dataDir, wanted)
  const kills = wanted.kills ?? (wanted.schedules ? Number.POSITIVE_INFINITY : KILLS)
  const endsAtMs = performance.now() + (wanted.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  const leaseMs = wanted.leaseMs ?? (wanted.quick ? 3_000 : 30_000)
  say(
    `chaos: seed ${state.seed}, ${isResumed ? `goes on after round ${state.rounds}` : 'from the start'}, leases of ${leaseMs / 1000} s, ${wanted.store === 'ceph' ? 'a real Ceph' : 'the embedded store'}`,
  )
  let stack: ChaosStack | null = null
  const isOver = () => signal.aborted || state.kills >= kills || performance.now() > endsAtMs
  try {
    while (!isOver()) {
      if (stack && state.rounds % ROUNDS_A_STACK === 0) {
        await stack.close()
        stack = null
      }
      stack ??= wanted.store === 'ceph' ? await startCephStack(database) : await startChaosStack({ database })
      const startedMs = performance.now()
      const seed = (state.seed + state.rounds) % 2 ** 31
      const kind = wanted.schedules ? 'schedule' : (ROUND_KINDS[state.rounds % ROUND_KINDS.length] ?? 'kills')
      const options = { seed, leaseMs, maxSizeBytes: wanted.maxSizeBytes ?? GIB, signal }
      const violations = await playRound(kind, stack, state, options)
      await stack.endEngines()
      state.rounds++
      state.seconds += (performance.now() - startedMs) / 1000
      for (const violation of violations) state.violations.push(`${kind} of seed ${seed}: ${violation}`)
      saveState(dataDir, 'chaos', state)
      const verdict = violations.length === 0 ? 'all is well' : violations.join('; ')
      say(
        `round ${state.rounds} (${kind}, seed ${seed}): ${state.kills} kills so far, ${((performance.now() - startedMs) / 1000).toFixed(0)} s, ${verdict}`,
      )
    }
  } finally {
    await stack?.close()
  }
  say(
    `${state.rounds} rounds, ${state.kills} kills and ${state.transfers} transfers between kills in ${(state.seconds / 60).toFixed(1)} minutes.`,
  )
  const seconds = state.reclaimSeconds
  if (seconds.length > 0)
    say(
      `Claims of the dead were taken after ${quantile(seconds, 0.5).toFixed(1)} s (median), ${quantile(seconds, 0.95).toFixed(1)} s (95 %), ${quantile(seconds, 1).toFixed(1)} s (longest).`,
    )
  for (const violation of state.violations) say(violation)
  if (state.kills >= kills) say(`The run is over; its figures are in ${archiveState(dataDir, 'chaos')}.`)
  else say('It goes on from here when it is started again.')
  return state.violations.length === 0 ? 0 : 1
}

/** A Ceph of its own, which ends with the stack. */
async function startCephStack(database: TestDatabase): Promise<ChaosStack> {
  const store = await startCeph()
  if ('unavailable' in store) throw new Error(store.unavailable)
  const stack = await startChaosStack({ database, store })
  const close = async () => {
    await stack.close()
    await store.stop()
  }
  return { ...stack, close }
}

const ROUND_KINDS = ['kills', 'outages', 'kills', 'schedule'] as const

interface RoundOptions {
  readonly seed: number
  readonly leaseMs: number
  readonly maxSizeBytes: number
  readonly signal: AbortSignal
}

async function playRound(
  kind: (typeof ROUND_KINDS)[number],
  stack: ChaosStack,
  state: StressState,
  options: RoundOptions,
): Promise<string[]> {
  try {
    if (kind === 'kills') return await killRound(stack, state, options)
    if (kind === 'outages') return await outageRound(options)
    const { violations, kills, steps } = await runSchedule(stack, options.seed, SCHEDULE_COMMANDS, options.leaseMs)
    state.kills += kills
    return violations.map((violation) => `${violation} (${steps.join(', ')})`)
  } catch (error) {
    return [`it broke off: ${error instanceof Error ? error.message : error}`]
  }
}

/**
 * Two transfers on two engines that are killed again and again at random moments, each for itself, and come back after a while, and on a
 * third one that lives. Each counts as on a machine of its own, so that what the dead held is taken over when their leases end.
 */
async function killRound(stack: ChaosStack, state: StressState, options: RoundOptions): Promise<string[]> {
  const random = seededRandom(options.seed)
  const between = (low: number, high: number) => low + random() * (high - low)
  const env = { SLUICE_LEASE_MS: String(options.leaseMs), SLUICE_READ_LANES: '4' }
  const steady = await stack.startEngineElsewhere({ ...env, SLUICE_READ_LANES: '1' })
  const engines: EngineProcess[] = [await stack.startEngineElsewhere(env), await stack.startEngineElsewhere(env)]
  const violations: string[] = []
  const cases: ChaosCase[] = []
  for (let index = 0; index < 2; index++) {
    // As many small ones as large ones, by their logarithm.
    const sizeBytes = Math.round(SMALLEST_BYTES * (options.maxSizeBytes / SMALLEST_BYTES) ** random())
    // Slow enough for some kills to fall into it, fast enough for parts to be finished between them.
    const bytesPerSecond = Math.round(between(0.75, 1.5) * MIB)
    const partSizeBytes = random() < 0.5 ? 6 * MIB : 8 * MIB
    cases.push(await stack.begin({ sizeBytes, bytesPerSecond, input: { lanes: 4, partSizeBytes } }))
  }
  const isRunning = async () =>
    (await stack.database.db.transfer.count({
      where: { id: { in: cases.map(({ id }) => id) }, status: { in: ['queued', 'running'] } },
    })) > 0
  let left = KILLS_A_ROUND
  const disturb = async (slot: number) => {
    while (left-- > 0 && (await isRunning()) && !options.signal.aborted) {
      await delay(between(300, 4_000))
      const victim = engines[slot]
      if (!victim) return
      await victim.kill()
      state.kills++
      const killedMs = performance.now()
      for (const one of cases) await one.snapshot()
      const taken = untilTaken(stack, victim.id).then(() => (performance.now() - killedMs) / 1000)
      await delay(between(0, options.leaseMs * 1.5))
      engines[slot] = await stack.startEngineElsewhere(env)
      const seconds = await taken
      state.reclaimSeconds.push(Math.round(seconds * 10) / 10)
      if (seconds > options.leaseMs / 1000 + RECLAIM_ROOM_SECONDS)
        violations.push(`The claims of a dead engine were taken after ${seconds.toFixed(1)} s only.`)
    }
  }
  await Promise.all(engines.map((_, slot) => disturb(slot)))
  if (!steady.isRunning) violations.push('The engine that nobody killed ended by itself.')
  for (const one of cases) {
    one.setRate(null)
    try {
      await completedOrRetried(stack, one.id)
      violations.push(...(await findViolations(await one.facts({ status: 'completed' }))))
    } catch (error) {
      violations.push(error instanceof Error ? error.message : String(error))
    }
    state.transfers++
  }
  return [...new Set(violations)]
}

/** So many kills may be too many in a row for a transfer; then it says so, and a retry goes on from its parts. */
async function completedOrRetried(stack: ChaosStack, id: string): Promise<void> {
  const ended = await stack.waitFor(id, 'completed', 'failed', 'cancelled')
  if (ended.failure?.code !== 'engines_died') return
  await applyAction(stack.database.db, 'retry', [id])
  await stack.waitFor(id, 'completed', 'failed', 'cancelled')
}

/** Resolves when nobody holds a claim in the name of a dead engine any more. */
function untilTaken(stack: ChaosStack, engineId: string): Promise<unknown> {
  return until(
    'the claims of a dead engine to be taken',
    async () => (await stack.database.db.partClaim.count({ where: { engineId } })) === 0,
    300_000,
    100,
  )
}
