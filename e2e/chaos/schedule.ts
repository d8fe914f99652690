import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { type ChaosCase, type ChaosStack, LEASE_MS } from './chaos-stack.ts'
import type { EngineProcess } from './engine-process.ts'
import { findViolations, movedTwice } from './invariants.ts'

const ENGINES = 3
const TRANSFERS = 4
const PART_BYTES = 6 * MIB

/** What the world should look like, without any of its workings: which version each key may show at the end. */
export interface ScheduleModel {
  engines: ('none' | 'running' | 'frozen' | 'cut')[]
  transfers: ('none' | 'wanted' | 'paused' | 'cancelled')[]
}

/** The world itself. */
export interface ScheduleReal {
  readonly stack: ChaosStack
  readonly engines: (EngineProcess | null)[]
  readonly cases: (ChaosCase | null)[]
  /** True once an engine may send late what another has sent meanwhile: then a part may rightly move twice. */
  hasZombies: boolean
  kills: number
  readonly say: (line: string) => void
}

type Command = fc.AsyncCommand<ScheduleModel, ScheduleReal>

/** One kind of fault or wish on one engine or transfer, printed as `name(slot)`. */
function command(
  name: string,
  slot: number,
  may: (model: ScheduleModel) => boolean,
  step: (model: ScheduleModel, real: ScheduleReal) => void | Promise<void>,
): Command {
  const words = `${name}(${slot})`
  return {
    check: may,
    async run(model, real) {
      real.say(words)
      await step(model, real)
    },
    toString: () => words,
  }
}

const begin = (slot: number, parts: number) =>
  command(
    `begin ${parts} parts`,
    slot,
    (model) => model.transfers[slot] === 'none',
    async (model, real) => {
      real.cases[slot] = await real.stack.begin({
        sizeBytes: parts * PART_BYTES + 1,
        bytesPerSecond: 3 * MIB,
        input: { lanes: 2 },
      })
      model.transfers[slot] = 'wanted'
    },
  )
const start = (slot: number) =>
  command(
    'start',
    slot,
    (model) => model.engines[slot] === 'none',
    async (model, real) => {
      real.engines[slot] = await real.stack.startEngine({ SLUICE_READ_LANES: '3' })
      model.engines[slot] = 'running'
    },
  )
const kill = (slot: number) =>
  command(
    'kill',
    slot,
    (model) => model.engines[slot] !== 'none',
    async (model, real) => {
      await real.engines[slot]?.kill()
      real.kills++
      if (!real.hasZombies) for (const one of real.cases) await one?.snapshot()
      model.engines[slot] = 'none'
    },
  )
const onEngine = (
  name: string,
  slot: number,
  from: 'running' | 'frozen' | 'cut',
  to: 'running' | 'frozen' | 'cut',
  step: (engine: EngineProcess) => void,
) =>
  command(
    name,
    slot,
    (model) => model.engines[slot] === from,
    (model, real) => {
      const engine = real.engines[slot]
      if (engine) step(engine)
      real.hasZombies = true
      model.engines[slot] = to
    },
  )
const freeze = (slot: number) => onEngine('freeze', slot, 'running', 'frozen', (engine) => engine.freeze())
const thaw = (slot: number) => onEngine('thaw', slot, 'frozen', 'running', (engine) => engine.thaw())
const partition = (slot: number) => onEngine('partition', slot, 'running', 'cut', (engine) => engine.postgres.freeze())
const cut = (slot: number) => onEngine('cut', slot, 'running', 'cut', (engine) => engine.postgres.cut())
const heal = (slot: number) => onEngine('heal', slot, 'cut', 'running', (engine) => engine.postgres.mend())

const wish = (action: 'pause' | 'resume' | 'cancel', slot: number) =>
  command(
    action,
    slot,
    (model) => model.transfers[slot] === (action === 'resume' ? 'paused' : 'wanted'),
    async (model, real) => {
      const id = real.cases[slot]?.id ?? ''
      const { changed } = await applyAction(real.stack.database.db, action, [id])
      // Refused where it has ended or is being completed meanwhile.
      if (changed.length === 0) return
      model.transfers[slot] = action === 'pause' ? 'paused' : action === 'resume' ? 'wanted' : 'cancelled'
    },
  )
const refuse = (count: number) =>
  command(
    'store refuses',
    count,
    () => true,
    (_, real) => real.stack.gate.refuse(count),
  )
const loseReply = (slot: number) => {
  const operation = (['create', 'part', 'complete'] as const)[slot % 3] ?? 'part'
  return command(
    `reply of ${operation} lost`,
    slot,
    () => true,
    (_, real) => {
      real.stack.gate.hold(operation, 'after').drop()
      // The bucket has what nobody acknowledged: it is sent again.
      real.hasZombies = true
    },
  )
}
const wait = (tenths: number) =>
  command(
    'wait',
    tenths,
    () => true,
    () => delay(tenths * 100),
  )

const engineSlot = fc.nat({ max: ENGINES - 1 })
const transferSlot = fc.nat({ max: TRANSFERS - 1 })

/** A world in which much happens: transfers begin, engines come and go, sides refuse, users change their minds. */
export function scheduleCommands(maxCommands: number) {
  const kinds = [
    fc.tuple(transferSlot, fc.integer({ min: 1, max: 8 })).map(([slot, parts]) => begin(slot, parts)),
    engineSlot.map(start),
    engineSlot.map(start),
    engineSlot.map(kill),
    engineSlot.map(kill),
    engineSlot.map(freeze),
    engineSlot.map(thaw),
    engineSlot.map(partition),
    engineSlot.map(cut),
    engineSlot.map(heal),
    transferSlot.map((slot) => wish('pause', slot)),
    transferSlot.map((slot) => wish('resume', slot)),
    transferSlot.map((slot) => wish('cancel', slot)),
    fc.integer({ min: 1, max: 6 }).map(refuse),
    fc.nat({ max: 2 }).map(loseReply),
    fc.integer({ min: 3, max: (2 * LEASE_MS) / 100 }).map(wait),
    fc.integer({ min: 3, max: 10 }).map(wait),
  ]
  return fc.commands(kinds, { maxCommands, size: 'max' })
}

export interface ScheduleResult {
  readonly violations: string[]
  readonly kills: number
  readonly steps: string[]
}

/**
 * Runs the schedule that a seed stands for: its commands one after the other, then everything is healed and what is wanted has
 * to come to its end. What is found is judged by the shared invariants.
 */
export async function runSchedule(stack: ChaosStack, seed: number, maxCommands: number): Promise<ScheduleResult> {
  const steps: string[] = []
  const model: ScheduleModel = { engines: Array(ENGINES).fill('none'), transfers: Array(TRANSFERS).fill('none') }
  const real: ScheduleReal = {
    stack,
    engines: Array(ENGINES).fill(null),
    cases: Array(TRANSFERS).fill(null),
    hasZombies: false,
    kills: 0,
    say: (line) => void steps.push(line),
  }
  const [commands] = fc.sample(scheduleCommands(maxCommands), { seed, numRuns: 1 })
  if (!commands) throw new Error('No schedule came out of the seed.')
  // There is always something to disturb.
  await begin(0, 6).run(model, real)
  await start(0).run(model, real)
  await fc.asyncModelRun(() => ({ model, real }), commands)
  const violations = await settle(model, real)
  return { violations, kills: real.kills, steps }
}

/** Heals everything and judges what came of it. */
async function settle(model: ScheduleModel, real: ScheduleReal): Promise<string[]> {
  const { stack } = real
  stack.gate.refuse(0)
  for (const engine of real.engines) {
    engine?.postgres.mend()
    engine?.thaw()
  }
  if (!model.engines.includes('running')) await stack.startEngine()
  const violations: string[] = []
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
    const facts = await one.facts(
      model.transfers[slot] === 'cancelled' ? { startsOver } : { status: 'completed', startsOver },
    )
    violations.push(...(await findViolations(facts)))
    if (!startsOver)
      for (const snapshot of one.snapshots()) violations.push(...(await movedTwice({ ...facts, ...snapshot })))
  }
  return violations
}
