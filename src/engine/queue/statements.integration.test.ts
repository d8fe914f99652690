import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { createTransfers } from '../../server/db/create-transfers.ts'
import type { Prisma } from '../../server/db/generated/client.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { transferInputSchema } from '../../server/domain/transfer-input.ts'
import type { Engine } from '../engine.ts'

/** What only the flush of a second has in its text. */
const FLUSH = 'FULL JOIN summed'
const FLUSHES = 10
/** What timers send, the more the longer a file takes: heartbeats, flushes, renewals, and looks for what nobody works on. */
const TIMED = [
  /"Engine"|"Inspection"|"PublishedOrigin"|"CachePurge"|FULL JOIN summed/,
  /^ ?WITH completing AS \( UPDATE "Transfer" SET "completionLeaseUntil" = now\(\) \+/,
  /^ ?INSERT INTO "PartClaim" .* SELECT gen_random_uuid\(\), t\.id, 0, 0 FROM "Transfer" t WHERE t\.status IN/,
  /^ ?SELECT t\.id FROM "Transfer" t WHERE t\.status IN \('queued', 'running'\)/,
  /^ ?WITH pick AS \( SELECT id FROM "Transfer" WHERE \("completionLeaseUntil" IS NULL/,
  /^ ?SELECT id FROM "Transfer" WHERE "uploadStartingAt" IS NOT NULL/,
]
const isTimed = (text: string) => TIMED.some((timed) => timed.test(text.replace(/\s+/g, ' ')))

/** Every statement that goes to Postgres from this process, as its text. */
function watchStatements() {
  const texts: string[] = []
  const query = pg.Client.prototype.query
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [first] = args
    texts.push(typeof first === 'string' ? first : ((first as { text?: string })?.text ?? ''))
    return (query as (...all: unknown[]) => unknown).apply(this, args) as never
  })
  return { texts, flushes: () => texts.filter((text) => text.includes(FLUSH)).length, stop: () => spy.mockRestore() }
}

describe('statements of an engine', () => {
  let stack: EngineStack
  let engine: Engine
  let watched: ReturnType<typeof watchStatements>
  beforeAll(async () => {
    stack = await startEngineStack()
    engine = await stack.startEngine({ SLUICE_LEASE_MS: '30000' })
  })
  afterEach(async () => {
    watched.stop()
    // Nothing of a test is left to take the engine's time from the next.
    const left = { status: { in: ['queued', 'running'] } } satisfies Prisma.TransferWhereInput
    await stack.database.db.transfer.updateMany({ where: left, data: { status: 'paused' } })
    const held = () => stack.database.db.partClaim.count({ where: { engineId: engine.id } })
    await expect.poll(held).toBe(0)
  })
  afterAll(() => stack.close())

  const inputs = (count: number, sizeBytes: number, more: object = {}) =>
    Array.from({ length: count }, (_, index) =>
      transferInputSchema.parse({
        bucketId: stack.bucketId,
        sourceUrl: stack.source.serve(`/${count}-${sizeBytes}/${index}.bin`, { sizeBytes }),
        key: `${count}-${sizeBytes}/${index}.bin`,
        ...more,
      }),
    )

  it.each([1, 10])('are at most three for each second of flushing, while %i transfers move bytes', async (count) => {
    const steady = { bandwidthLimitBytesPerSecond: 2 * MIB, partSizeBytes: 6 * MIB }
    const results = await createTransfers(stack.database.db, stack.sealer, inputs(count, 1000 * MIB, steady))
    const ids = results.flatMap((result) => ('id' in result ? [result.id] : []))
    for (const id of ids) await stack.until(id, (transfer) => transfer.partsDone > 0)
    watched = watchStatements()
    const startedMs = performance.now()
    // The database is not asked meanwhile, or the questions would count.
    await expect.poll(watched.flushes).toBeGreaterThanOrEqual(FLUSHES)
    const { texts } = watched
    watched.stop()
    // Of the clock, and not of the flushes: one that a slow database takes three seconds for stands for three, and timers go on meanwhile.
    const seconds = (performance.now() - startedMs) / 1000 + 1
    expect(texts.length).toBeLessThanOrEqual(3 * seconds)
  })

  it('are a constant number for a larger file, however many parts it has', async () => {
    const counts = []
    for (const parts of [2, 30]) {
      watched = watchStatements()
      const [input] = inputs(1, parts * 6 * MIB, { partSizeBytes: 6 * MIB })
      await createTransfers(stack.database.db, stack.sealer, input ? [input] : [])
      const written = watched.texts.length
      const isOver = () => watched.texts.some((text) => text.includes(`SET status = 'completed'`))
      await expect.poll(isOver).toBe(true)
      watched.stop()
      counts.push(watched.texts.slice(written).filter((text) => !isTimed(text)).length)
    }
    for (const count of counts) expect(count).toBeLessThan(45)
  })

  it('are few for each of many small files, because they go together', async () => {
    const many = inputs(200, 3000)
    watched = watchStatements()
    const results = await createTransfers(stack.database.db, stack.sealer, many)
    const ofFiles = () => watched.texts.filter((text) => !isTimed(text)).length
    const written = ofFiles()
    // Far fewer than files: three inserts, a hint or two, and what a transaction says.
    expect(written).toBeLessThan(30)
    const last = results.at(-1)
    const keys = () => stack.source.requests().filter(({ path }) => path.startsWith('/200-')).length
    await expect.poll(keys).toBe(200)
    watched.stop()
    const ofEngine = ofFiles() - written
    for (const result of results) if ('id' in result) await stack.waitFor(result.id, 'completed')
    expect(last).toHaveProperty('id')
    expect(ofEngine / 200).toBeLessThan(2)
  })
})
