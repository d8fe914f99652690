import fc from 'fast-check'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { BUCKET, type ChaosStack, LEASE_MS } from './chaos-stack.ts'
import { type ChaosFacts, findViolations, readObject } from './invariants.ts'
import {
  begin,
  ENGINES,
  type ScheduleModel,
  type ScheduleReal,
  scheduleCommands,
  settingsOf,
  start,
  TRANSFERS,
} from './schedule-commands.ts'

export interface ScheduleResult {
  readonly violations: string[]
  readonly kills: number
  readonly steps: string[]
}

/**
 * Runs the schedule that a seed stands for: its commands one after the other, then everything is healed and what is wanted has
 * to come to its end. What is found is judged by the shared invariants.
 */
export async function runSchedule(
  stack: ChaosStack,
  seed: number,
  maxCommands: number,
  leaseMs = LEASE_MS,
): Promise<ScheduleResult> {
  const steps: string[] = []
  const model: ScheduleModel = {
    engines: Array(ENGINES).fill('none'),
    transfers: Array(TRANSFERS).fill('none'),
    keys: Array(TRANSFERS).fill('none'),
  }
  const real: ScheduleReal = {
    stack,
    engines: Array(ENGINES).fill(null),
    cases: Array(TRANSFERS).fill(null),
    haunted: new Set(),
    source: { busy: 0, resets: 0 },
    leaseMs,
    kills: 0,
    violations: [],
    say: (line) => void steps.push(line),
  }
  const [commands] = fc.sample(scheduleCommands(maxCommands, leaseMs), { seed, numRuns: 1 })
  if (!commands) throw new Error('No schedule came out of the seed.')
  // There is always something to disturb.
  await begin(0, 6, 'old').run(model, real)
  await start(0).run(model, real)
  await fc.asyncModelRun(() => ({ model, real }), commands)
  const violations = await settle(model, real)
  return { violations, kills: real.kills, steps }
}

/** Heals everything and judges what came of it. */
async function settle(model: ScheduleModel, real: ScheduleReal): Promise<string[]> {
  const { stack } = real
  stack.gate.refuse(0)
  stack.gate.loseReply(null)
  real.source.busy = 0
  real.source.resets = 0
  for (const engine of real.engines) {
    engine?.postgres.mend()
    engine?.thaw()
  }
  if (!model.engines.includes('running')) await stack.startEngine(settingsOf(real))
  const violations = [...real.violations]
  for (const [slot, one] of real.cases.entries()) {
    if (!one) continue
    one.setRate(null)
    if (model.transfers[slot] === 'paused') await applyAction(stack.database.db, 'resume', [one.id])
  }
  for (const [slot, one] of real.cases.entries()) {
    if (!one) continue
    await stack.waitFor(one.id, 'completed', 'cancelled', 'failed')
    const codes = await stack.database.db.event.findMany({ where: { transferId: one.id }, select: { code: true } })
    const startsOver = codes.some(({ code }) => code === 'started_over')
    const hasZombie = real.haunted.has(one)
    const isCancelled = model.transfers[slot] === 'cancelled'
    const facts = await one.facts({
      startsOver,
      ...(hasZombie && { hasZombie }),
      ...(!isCancelled && { status: 'completed' }),
    })
    violations.push(...(await findViolations(facts)))
    violations.push(...(await versionIsRight(model, slot, facts)))
  }
  return violations
}

/** The model against the bucket: a key shows its new version where that was wanted, and after a cancellation what the model has for it. */
async function versionIsRight(model: ScheduleModel, slot: number, facts: ChaosFacts): Promise<string[]> {
  const row = await facts.db.transfer.findUniqueOrThrow({ where: { id: facts.transferId } })
  const found = await readObject(facts.s3, BUCKET, row.key)
  const old = model.keys[slot] === 'old' ? (facts.previous?.sha256 ?? '') : undefined
  // Where a cancellation came too late it is completed.
  const wanted = row.status === 'completed' ? facts.sha256 : old
  if (found?.sha256 === wanted) return []
  return [
    `I1: the model has ${wanted ?? 'nothing'} at the key of transfer ${slot}, and there is ${found?.sha256 ?? 'nothing'}.`,
  ]
}
