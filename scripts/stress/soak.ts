import { setTimeout as delay } from 'node:timers/promises'
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { BUCKET, type ChaosCase, type ChaosStack, startChaosStack } from '../../e2e/chaos/chaos-stack.ts'
import type { EngineProcess } from '../../e2e/chaos/engine-process.ts'
import { findViolations } from '../../e2e/chaos/invariants.ts'
import type { HostileAnswer, HostileRequest } from '../../src/engine/testing/hostile-behaviour.ts'
import { seededRandom } from '../../src/engine/testing/seeded-random.ts'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { archiveState, loadState, quantile, type StressRun, type StressState, saveState } from './stress-run.ts'

const MINUTES = 240
const AT_ONCE = 4
const SAMPLE_MS = 30_000
/** The neighbour is stopped in order and started again this often; the first engine lives as long as the run. */
const RESTART_MS = 10 * 60_000
/** What the first engine may hold beyond its budget of 64 MiB, and how much more at the end than in the middle. */
const RSS_LIMIT_MIB = 512
const GROWTH_LIMIT_MIB = 96

type Random = () => number

/** What a transfer of the mix is like; `answer` is how its source misbehaves. */
interface Kind {
  readonly name: string
  readonly sizeBytes: (random: Random) => number
  readonly answer?: HostileAnswer | ((request: HostileRequest) => HostileAnswer)
  readonly bytesPerSecond?: number
  readonly wish?: 'pause' | 'cancel'
}

const upTo = (mib: number) => (random: Random) => Math.ceil(random() * mib * MIB)
const KINDS: readonly Kind[] = [
  { name: 'ranges', sizeBytes: upTo(192) },
  { name: 'ranges, large', sizeBytes: (random) => Math.ceil((256 + random() * 256) * MIB) },
  { name: 'slow connections', sizeBytes: upTo(64), bytesPerSecond: 4 * MIB },
  { name: 'tiny', sizeBytes: upTo(1) },
  { name: 'empty', sizeBytes: () => 0 },
  { name: 'no ranges', sizeBytes: upTo(48), answer: { ranges: 'ignored' } },
  { name: 'no length', sizeBytes: upTo(48), answer: { ranges: 'ignored', length: 'chunked' } },
  {
    name: 'breaks',
    sizeBytes: upTo(96),
    answer: ({ index }) => (index > 0 && index % 5 === 0 ? { breakAfterBytes: 300_000, breakBy: 'reset' } : {}),
  },
  { name: 'busy', sizeBytes: upTo(96), answer: { maxConcurrent: 4 } },
  { name: 'paused', sizeBytes: upTo(96), bytesPerSecond: 2 * MIB, wish: 'pause' },
  { name: 'cancelled', sizeBytes: upTo(96), bytesPerSecond: 2 * MIB, wish: 'cancel' },
]

/**
 * `npm run stress` (product.md A14): hours of mixed transfers on two engines. Every one is judged by the shared invariants, and
 * the memory of the first engine is watched: it must stay within its bound and not grow from the middle of the run to its end.
 */
export const runSoak: StressRun = async ({ wanted, dataDir, database, signal, say }) => {
  const { state, isResumed } = loadState(dataDir, wanted)
  const totalSeconds = (wanted.minutes ?? MINUTES) * 60
  say(
    `soak: seed ${state.seed}, ${isResumed ? `goes on after ${(state.seconds / 60).toFixed(0)} minutes` : 'from the start'}, ${totalSeconds / 60} minutes in all`,
  )
  const stack = await startChaosStack({ database })
  const startedMs = performance.now()
  const before = state.seconds
  const update = () => {
    state.seconds = before + (performance.now() - startedMs) / 1000
  }
  const isOver = () => signal.aborted || before + (performance.now() - startedMs) / 1000 > totalSeconds
  const env = { SLUICE_PROFILE: 'low-memory', SLUICE_LOG_LEVEL: 'info' }
  const main = await stack.startEngine(env)
  try {
    const lane = async () => {
      while (!isOver()) {
        const random = seededRandom(state.seed + state.rounds++)
        const violations = await oneTransfer(stack, random)
        state.transfers++
        for (const violation of violations) {
          state.violations.push(violation)
          say(violation)
        }
      }
    }
    await Promise.all([
      ...Array.from({ length: AT_ONCE }, lane),
      watchMemory(main, state, isOver, () => {
        update()
        saveState(dataDir, 'soak', state)
        say(
          `${(state.seconds / 60).toFixed(1)} min: ${state.transfers} transfers, ${state.violations.length} violations, ${state.rssMib.at(-1)} MiB`,
        )
      }),
      restartNeighbour(stack, env, isOver, state),
    ])
    if (!main.isRunning) state.violations.push('The first engine ended by itself.')
  } finally {
    await stack.close()
  }
  update()
  state.violations.push(...judgeMemory(state.rssMib))
  saveState(dataDir, 'soak', state)
  for (const violation of state.violations) say(violation)
  say(
    `${state.transfers} transfers in ${(state.seconds / 60).toFixed(1)} minutes; the engine held ${quantile(state.rssMib, 0.5)} MiB (median), ${quantile(state.rssMib, 1)} MiB at most.`,
  )
  if (state.seconds >= totalSeconds) say(`The run is over; its figures are in ${archiveState(dataDir, 'soak')}.`)
  else say('It goes on from here when it is started again.')
  return state.violations.length === 0 ? 0 : 1
}

/** One transfer of the mix from its beginning to its end; what it leaves is removed. */
async function oneTransfer(stack: ChaosStack, random: Random): Promise<string[]> {
  const kind = KINDS[Math.floor(random() * KINDS.length)] ?? KINDS[0]
  if (!kind) return []
  const { answer, bytesPerSecond } = kind
  const file = { sizeBytes: kind.sizeBytes(random), input: { lanes: 4 }, isWatched: false }
  let one: ChaosCase | null = null
  try {
    one = await stack.begin({ ...file, ...(answer && { answer }), ...(bytesPerSecond && { bytesPerSecond }) })
    if (kind.wish) {
      await delay(1_000 + random() * 4_000)
      await applyAction(stack.database.db, kind.wish, [one.id])
      if (kind.wish === 'pause') {
        await delay(random() * 3_000)
        await applyAction(stack.database.db, 'resume', [one.id])
      }
    }
    await stack.waitFor(one.id, 'completed', 'failed', 'cancelled')
    const facts = await one.facts(kind.wish === 'cancel' ? {} : { status: 'completed' })
    const found = await findViolations(facts)
    await stack.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: one.key }))
    await applyAction(stack.database.db, 'remove', [one.id])
    return found.map((violation) => `${kind.name} (${file.sizeBytes} bytes): ${violation}`)
  } catch (error) {
    return [`${kind.name} (${file.sizeBytes} bytes): ${error instanceof Error ? error.message : error}`]
  }
}

async function watchMemory(
  engine: EngineProcess,
  state: StressState,
  isOver: () => boolean,
  told: () => void,
): Promise<void> {
  while (!isOver()) {
    for (let waited = 0; waited < SAMPLE_MS && !isOver(); waited += 1_000) await delay(1_000)
    state.rssMib.push(Math.round(engine.rssBytes() / MIB))
    told()
  }
}

async function restartNeighbour(
  stack: ChaosStack,
  env: Record<string, string>,
  isOver: () => boolean,
  state: StressState,
): Promise<void> {
  while (!isOver()) {
    // On a machine that is too busy to start one the run goes on with the other.
    const neighbour = await stack.startEngine(env).catch(() => null)
    if (!neighbour) continue
    for (let waited = 0; waited < RESTART_MS && !isOver(); waited += 1_000) await delay(1_000)
    const { code } = await neighbour.stop()
    if (code !== 0) state.violations.push(`An engine that was told to stop ended with ${code}.`)
  }
}

/** Memory within its bound, and no more of it in the last quarter than in the second. */
function judgeMemory(rssMib: readonly number[]): string[] {
  const problems: string[] = []
  const most = quantile(rssMib, 1)
  if (most > RSS_LIMIT_MIB) problems.push(`I6: the engine held ${most} MiB, more than ${RSS_LIMIT_MIB}.`)
  const quarter = Math.floor(rssMib.length / 4)
  const middle = quantile(rssMib.slice(quarter, 2 * quarter), 0.5)
  const end = quantile(rssMib.slice(-quarter), 0.5)
  if (quarter >= 4 && end > middle + GROWTH_LIMIT_MIB)
    problems.push(`I6: the engine's memory grew from ${middle} to ${end} MiB.`)
  return problems
}
