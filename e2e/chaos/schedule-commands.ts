import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { HostileAnswer } from '../../src/engine/testing/hostile-behaviour.ts'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { type ChaosCase, type ChaosStack, LEASE_MS } from './chaos-stack.ts'
import type { EngineProcess } from './engine-process.ts'
import { PROMISED_SECONDS } from './promised-seconds.ts'

export const ENGINES = 3
export const TRANSFERS = 4
const PART_BYTES = 6 * MIB

/** What the world should look like, without any of its workings: which version each key may show at the end. */
export interface ScheduleModel {
  engines: ('none' | 'running' | 'frozen' | 'cut')[]
  transfers: ('none' | 'wanted' | 'paused' | 'cancelled')[]
  /** By transfer: what is at its key until it is replaced. */
  keys: ('none' | 'old')[]
}

/** The world itself. */
export interface ScheduleReal {
  readonly stack: ChaosStack
  readonly engines: (EngineProcess | null)[]
  readonly cases: (ChaosCase | null)[]
  /** Transfers whose engine was frozen or cut off: it may send late what another has sent meanwhile, so that a part may rightly move twice. */
  readonly haunted: Set<ChaosCase>
  /** What the sources do to their next requests. */
  readonly source: { busy: number; resets: number }
  readonly leaseMs: number
  kills: number
  /** What a step itself found wrong. */
  readonly violations: string[]
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

/** The answer of every source: refusals and breaks as long as there are some in store, else the file. */
function answerOf(source: ScheduleReal['source'], isProbe: boolean): HostileAnswer {
  if (source.busy > 0) {
    source.busy--
    return { status: 429, headers: { 'retry-after': '1' }, body: 'later' }
  }
  if (source.resets === 0 || isProbe) return {}
  source.resets--
  return { breakAfterBytes: 300_000, breakBy: 'reset' }
}

const oldText = (slot: number) => `what was at the key of ${slot} before`

export const begin = (slot: number, parts: number, key: ScheduleModel['keys'][number]) =>
  command(
    `begin ${parts} parts${key === 'old' ? ' over another object' : ''}`,
    slot,
    (model) => model.transfers[slot] === 'none',
    async (model, real) => {
      real.cases[slot] = await real.stack.begin({
        sizeBytes: parts * PART_BYTES + 1,
        bytesPerSecond: 3 * MIB,
        input: { lanes: 2 },
        answer: ({ range }) => answerOf(real.source, range === null || range.endByte - range.startByte <= 1),
        ...(key === 'old' && { old: oldText(slot) }),
      })
      model.transfers[slot] = 'wanted'
      model.keys[slot] = key
    },
  )
export const settingsOf = ({ leaseMs }: ScheduleReal) => ({ SLUICE_READ_LANES: '3', SLUICE_LEASE_MS: String(leaseMs) })
export const start = (slot: number) =>
  command(
    'start',
    slot,
    (model) => model.engines[slot] === 'none',
    async (model, real) => {
      real.engines[slot] = await real.stack.startEngine(settingsOf(real))
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
      for (const one of real.cases) await one?.snapshot()
      model.engines[slot] = 'none'
    },
  )
const terminate = (slot: number) =>
  command(
    'SIGTERM',
    slot,
    (model) => model.engines[slot] === 'running',
    async (model, real) => {
      const engine = real.engines[slot]
      model.engines[slot] = 'none'
      if (!engine?.isRunning) return
      const { code, seconds } = await engine.stop()
      // 0 in order, or 2 where it had to be cut short.
      if (code !== 0 && code !== 2) real.violations.push(`An engine that was told to stop ended with ${code}.`)
      if (seconds > PROMISED_SECONDS.stop) real.violations.push(`An engine took ${seconds.toFixed(1)} s to stop.`)
      for (const one of real.cases) await one?.snapshot()
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
    async (model, real) => {
      const engine = real.engines[slot]
      if (engine) step(engine)
      model.engines[slot] = to
      const where = { engineId: engine?.id ?? '' }
      const claims = await real.stack.database.db.partClaim.findMany({ where, select: { transferId: true } })
      const held = new Set(claims.map(({ transferId }) => transferId))
      for (const one of real.cases) if (one && held.has(one.id)) real.haunted.add(one)
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
    (_, real) => real.stack.gate.loseReply(operation),
  )
}
const sourceBusy = (count: number) =>
  command(
    'sources are busy',
    count,
    () => true,
    (_, real) => {
      real.source.busy = count
    },
  )
const sourceResets = (count: number) =>
  command(
    'sources reset reads',
    count,
    () => true,
    (_, real) => {
      real.source.resets = count
    },
  )
const slowSource = (slot: number) =>
  command(
    'source slow',
    slot,
    (model) => model.transfers[slot] === 'wanted',
    (_, real) => real.cases[slot]?.setRate(MIB / 2),
  )
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
export function scheduleCommands(maxCommands: number, leaseMs = LEASE_MS) {
  const key = fc.constantFrom('none', 'old', 'old') as fc.Arbitrary<ScheduleModel['keys'][number]>
  const kinds = [
    fc.tuple(transferSlot, fc.integer({ min: 1, max: 8 }), key).map((given) => begin(...given)),
    engineSlot.map(start),
    engineSlot.map(start),
    engineSlot.map(kill),
    engineSlot.map(kill),
    engineSlot.map(terminate),
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
    fc.integer({ min: 1, max: 6 }).map(sourceBusy),
    fc.integer({ min: 1, max: 4 }).map(sourceResets),
    transferSlot.map(slowSource),
    fc.integer({ min: 3, max: (2 * leaseMs) / 100 }).map(wait),
    fc.integer({ min: 3, max: 10 }).map(wait),
  ]
  return fc.commands(kinds, { maxCommands, size: 'max' })
}
