import { setTimeout as delay } from 'node:timers/promises'
import { type ChaosCase, type ChaosStack, startChaosStack } from '../../e2e/chaos/chaos-stack.ts'
import type { EngineProcess } from '../../e2e/chaos/engine-process.ts'
import { findViolations, movedTwice } from '../../e2e/chaos/invariants.ts'
import { runSchedule } from '../../e2e/chaos/schedule.ts'
import { startCeph } from '../../e2e/stack/ceph.ts'
import type { TestDatabase } from '../../e2e/stack/test-database.ts'
import { until } from '../../e2e/stack/until.ts'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { GIB, MIB } from '../../src/server/domain/bytes.ts'
import {
  archiveState,
  loadState,
  quantile,
  type StressRun,
  type StressState,
  saveState,
  seededRandom,
} from './stress-run.ts'

const KILLS = 200
const KILLS_A_ROUND = 40
const SMALLEST_BYTES = 64 * MIB
const SCHEDULE_COMMANDS = 40
/** A new store and source from time to time, so that what they remember of requests stays small. */
const ROUNDS_A_STACK = 4

/**
 * `npm run stress -- chaos`: rounds in which engines are killed at random moments, and every fourth a random schedule of faults
 * (e2e/chaos/schedule.ts), each judged by the shared invariants. Ends after so many kills, or when its time is up; with `--schedules`
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
      const isSchedule = wanted.schedules || state.rounds % ROUNDS_A_STACK === ROUNDS_A_STACK - 1
      const violations = isSchedule
        ? await scheduleRound(stack, state, seed)
        : await killRound(stack, state, { seed, leaseMs, maxSizeBytes: wanted.maxSizeBytes ?? GIB, signal })
      await stack.endEngines()
      state.rounds++
      state.seconds += (performance.now() - startedMs) / 1000
      for (const violation of violations)
        state.violations.push(`${isSchedule ? 'schedule' : 'kills'} of seed ${seed}: ${violation}`)
      saveState(dataDir, 'chaos', state)
      const what = isSchedule ? 'schedule' : 'kills'
      const verdict = violations.length === 0 ? 'all is well' : violations.join('; ')
      say(
        `round ${state.rounds} (${what}, seed ${seed}): ${state.kills} kills so far, ${((performance.now() - startedMs) / 1000).toFixed(0)} s, ${verdict}`,
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
      `Claims of the dead were taken after ${quantile(seconds, 0.5).toFixed(1)} s (median), ${quantile(seconds, 0.95).toFixed(1)} s (95 %), ${quantile(seconds, 1).toFixed(1)} s (longest), moments without any engine not counted.`,
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

async function scheduleRound(stack: ChaosStack, state: StressState, seed: number): Promise<string[]> {
  try {
    const { violations, kills, steps } = await runSchedule(stack, seed, SCHEDULE_COMMANDS)
    state.kills += kills
    return violations.map((violation) => `${violation} (${steps.join(', ')})`)
  } catch (error) {
    return [`it broke off: ${error instanceof Error ? error.message : error}`]
  }
}

/** Two transfers on two engines that are killed again and again at random moments, each for itself, and come back after a while. */
async function killRound(
  stack: ChaosStack,
  state: StressState,
  options: { seed: number; leaseMs: number; maxSizeBytes: number; signal: AbortSignal },
): Promise<string[]> {
  const random = seededRandom(options.seed)
  const between = (low: number, high: number) => low + random() * (high - low)
  const env = { SLUICE_LEASE_MS: String(options.leaseMs), SLUICE_READ_LANES: '4' }
  const engines: EngineProcess[] = [await stack.startEngine(env), await stack.startEngine(env)]
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
  const living = new LivingTime(engines.length)
  let left = KILLS_A_ROUND
  const disturb = async (slot: number) => {
    while (left-- > 0 && (await isRunning()) && !options.signal.aborted) {
      await delay(between(300, 4_000))
      const victim = engines[slot]
      if (!victim) return
      await victim.kill()
      state.kills++
      living.ended()
      const killedMs = living.livedMs()
      for (const one of cases) await one.snapshot()
      const taken = untilTaken(stack, victim.id).then(() => (living.livedMs() - killedMs) / 1000)
      await delay(between(0, options.leaseMs * 1.5))
      engines[slot] = await stack.startEngine(env)
      living.began()
      state.reclaimSeconds.push(Math.round((await taken) * 10) / 10)
    }
  }
  await Promise.all(engines.map((_, slot) => disturb(slot)))
  const violations: string[] = []
  for (const one of cases) {
    one.setRate(null)
    try {
      await completedOrRetried(stack, one.id)
      const facts = await one.facts({ status: 'completed' })
      violations.push(...(await findViolations(facts)))
      for (const snapshot of one.snapshots()) violations.push(...(await movedTwice({ ...facts, ...snapshot })))
    } catch (error) {
      violations.push(error instanceof Error ? error.message : String(error))
    }
    state.transfers++
  }
  return [...new Set(violations)]
}

/** The time in which there was an engine at all: nobody else can take a claim over. */
class LivingTime {
  #count: number
  #sinceMs = performance.now()
  #earlierMs = 0

  constructor(count: number) {
    this.#count = count
  }

  began(): void {
    if (this.#count++ === 0) this.#sinceMs = performance.now()
  }

  ended(): void {
    if (--this.#count === 0) this.#earlierMs += performance.now() - this.#sinceMs
  }

  livedMs(): number {
    return this.#earlierMs + (this.#count > 0 ? performance.now() - this.#sinceMs : 0)
  }
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
