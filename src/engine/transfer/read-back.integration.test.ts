import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyStack, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { applyAction, verifyAgain } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'

const SIZE_BYTES = 13 * MIB
/** An hour: a reply that is held up is never asked for again, however long the test takes. */
const PATIENT = { SLUICE_IDLE_TIMEOUT_MS: '3600000' }

describe('a completed transfer', () => {
  let rig: FaultyStack
  beforeAll(async () => {
    rig = await startFaultyStack()
  })
  afterAll(() => rig.close())

  it('shows how far it is read back, while that goes on', async () => {
    const { stack, faulty } = rig
    await stack.startEngine(PATIENT)
    const id = await stack.create({ sourceUrl: stack.source.serve('/back.bin', { sizeBytes: SIZE_BYTES }) })
    await stack.waitFor(id, 'completed', 'failed')
    let letGo = () => {}
    const until = new Promise<void>((resolve) => {
      letGo = resolve
    })
    faulty.behave(({ operation }) =>
      operation === 'GetObject' ? { kind: 'hold-reply', afterBytes: 5 * MIB, until } : null,
    )
    const samples = await stack.database.db.sample.count({ where: { transferId: id } })
    await verifyAgain(stack.database.db, [id], true)
    const seen = await stack.until(id, ({ readingBack }) => (readingBack?.readBytes ?? 0) >= 5 * MIB)
    expect(seen).toMatchObject({ status: 'verifying', transferredBytes: SIZE_BYTES, readLanes: 0 })
    expect(seen.readingBack?.readBytes).toBeLessThan(SIZE_BYTES)
    expect(seen.bytesPerSecond).toBeGreaterThan(0)
    expect(seen.etaSeconds).toBeGreaterThan(0)
    letGo()
    const after = await stack.waitFor(id, 'completed', 'failed')
    expect(after).toMatchObject({ readingBack: null, bytesPerSecond: null, etaSeconds: null })
    expect(after.verification?.evidence[0]?.kind).toBe('read-back')
    const row = await stack.database.db.transfer.findUniqueOrThrow({ where: { id } })
    expect(row.live).toEqual({})
    // What was read back is no part of how the transfer went.
    expect(await stack.database.db.sample.count({ where: { transferId: id } })).toBe(samples)
  })
  it('is read no further once somebody stops that, and keeps the verdict it had; then it can be verified again', async () => {
    const { stack, faulty } = rig
    const { db } = stack.database
    const id = await stack.create({ sourceUrl: stack.source.serve('/stopped.bin', { sizeBytes: SIZE_BYTES }) })
    const before = await stack.waitFor(id, 'completed', 'failed')
    // The bucket never sends the rest, so reading ends where somebody ends it, and nowhere else.
    faulty.behave(({ operation }) =>
      operation === 'GetObject' ? { kind: 'hold-reply', afterBytes: 5 * MIB, until: new Promise(() => {}) } : null,
    )
    await verifyAgain(db, [id], true)
    await stack.until(id, ({ readingBack }) => (readingBack?.readBytes ?? 0) >= 5 * MIB)
    const reads = () => faulty.requests('GetObject').filter(({ key }) => key === 'stopped.bin')
    expect(reads().map(({ isOpen }) => isOpen)).toEqual([true])
    expect(await applyAction(db, 'cancel', [id])).toMatchObject({
      refused: [{ failure: { message: expect.stringContaining('stop verifying it instead') } }],
    })
    expect(await applyAction(db, 'stopVerifying', [id])).toEqual({ changed: [id], refused: [] })
    const stopped = await stack.until(id, () => true)
    expect(stopped).toMatchObject({ status: 'completed', verification: before.verification, failure: null })
    expect(stopped.events[0]?.code).toBe('verify_stopped')
    await faulty.until(() => reads().every(({ isOpen }) => !isOpen))
    faulty.behave(null)
    await verifyAgain(db, [id], true)
    // Events are read after the row: alone they would come with what the row said before.
    const again = await stack.until(
      id,
      ({ status, events }) => status === 'completed' && events[0]?.code === 'verified',
    )
    expect(again.verification?.evidence[0]?.kind).toBe('read-back')
    expect(await db.partClaim.count({ where: { transferId: id } })).toBe(0)
  })
})
