import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ApiHarness, bucketInput, startApi } from '../../../../e2e/stack/api-harness.ts'
import { newId } from '../../db/new-id.ts'
import { TRANSFER_STATUSES, type TransferStatus } from '../../domain/transfer.ts'
import { allows, TRANSFER_ACTIONS } from '../../domain/transfer-state.ts'

let harness: ApiHarness
let api: ApiHarness['api']
let bucketId: string

beforeAll(async () => {
  harness = await startApi()
  api = harness.api
  bucketId = (await api.buckets.save(bucketInput())).id
})
afterAll(() => harness.close())
beforeEach(() => harness.db.transfer.deleteMany())

async function inState(status: TransferStatus, more: object = {}): Promise<string> {
  const { id } = await api.transfers.create({ sourceUrl: 'https://example.org/x', bucketId })
  await harness.db.transfer.update({ where: { id }, data: { status, ...more } })
  return id
}
const row = (id: string) => harness.db.transfer.findUniqueOrThrow({ where: { id }, include: { claims: true } })
const refusal = { changed: [], refused: [{ failure: { code: 'not_allowed_in_state' } }] }

describe('actions on transfers', () => {
  const cases = TRANSFER_ACTIONS.flatMap((action) => TRANSFER_STATUSES.map((status) => [action, status] as const))
  it.each(cases)('%s of a %s transfer follows the table of states', async (action, status) => {
    const id = await inState(status)
    const result = await api.transfers[action]({ ids: [id] })
    if (allows(status, action)) expect(result).toEqual({ changed: [id], refused: [] })
    else {
      expect(result).toMatchObject(refusal)
      expect(result.refused[0]?.failure.message).toMatch(new RegExp(`^A ${status} transfer cannot be `))
      expect((await row(id)).status).toBe(status)
    }
  })

  it('changes those it can and says of each other why not', async () => {
    const running = await inState('running')
    const completed = await inState('completed')
    const missing = newId()
    const result = await api.transfers.pause({ ids: [running, completed, missing, running] })
    expect(result).toMatchObject({
      changed: [running],
      refused: [
        { id: completed, failure: { code: 'not_allowed_in_state' } },
        { id: missing, failure: { code: 'not_found' } },
      ],
    })
    const events = await harness.db.event.findMany({ where: { transferId: running }, orderBy: { id: 'asc' } })
    expect(events.map((event) => event.code)).toEqual(['created', 'paused'])
  })

  it('tells the engines of each changed wish', async () => {
    const id = await inState('running')
    const hints = harness.services.notifications.hints('sluice_transfers', id)
    await api.transfers.pause({ ids: [id] })
    // Without the hint it would wait for an hour.
    await hints.next(3_600_000)
    hints.close()
  })

  it('resumes at once, whatever the next attempt was planned for', async () => {
    const id = await inState('paused', { nextRunAt: new Date(Date.now() + 3_600_000) })
    await api.transfers.resume({ ids: [id] })
    expect(await row(id)).toMatchObject({ status: 'queued', nextRunAt: null })
  })

  it.each(['queued', 'paused', 'failed'] as const)(
    'cancels a %s transfer that was never begun at once',
    async (status) => {
      const id = await inState(status)
      await api.transfers.cancel({ ids: [id] })
      const after = await row(id)
      expect(after).toMatchObject({ status: 'cancelled', claims: [] })
      expect(after.finishedAt).not.toBeNull()
    },
  )

  it.each([
    ...(['queued', 'running', 'paused', 'failed'] as const).map(
      (status) => [status, { uploadId: 'upload-1' }] as const,
    ),
    ...(['queued', 'paused', 'failed'] as const).map((status) => [status, { startedAt: new Date() }] as const),
  ])(
    'leaves a %s transfer with an upload, or one that was begun, to an engine and shows that it is being cancelled',
    async (status, more) => {
      const id = await inState(status, more)
      expect(await api.transfers.cancel({ ids: [id] })).toEqual({ changed: [id], refused: [] })
      expect(await row(id)).toMatchObject({ status, cancelRequestedAt: expect.any(Date) })
      expect(await api.transfers.byId({ id })).toMatchObject({ cancelling: true })
      for (const action of ['pause', 'resume', 'retry', 'remove', 'cancel'] as const) {
        // What failed without an upload may be removed, however long its bucket does not answer.
        if (!allows(status, action) || (action === 'remove' && !('uploadId' in more))) continue
        const result = await api.transfers[action]({ ids: [id] })
        expect(result.refused[0]?.failure.message).toContain('is being cancelled')
      }
    },
  )

  it('does not pause an upload that is being completed', async () => {
    const id = await inState('running', { completingSince: new Date() })
    const result = await api.transfers.pause({ ids: [id] })
    expect(result.refused[0]?.failure).toMatchObject({ message: expect.stringContaining('being completed') })
  })

  it.each(['failed', 'cancelled'] as const)(
    'queues a %s transfer again with a new plan to be claimed',
    async (status) => {
      const id = await inState(status, {
        failure: { code: 'source_error', message: 'Bad.', retry: 'later' },
        attempts: 7,
        nextRunAt: new Date(Date.now() + 3_600_000),
        finishedAt: new Date(),
        cancelRequestedAt: status === 'cancelled' ? new Date() : null,
      })
      await harness.db.partClaim.deleteMany({ where: { transferId: id } })
      await harness.db.partClaim.create({ data: { transferId: id, firstPart: 4, lastPart: 8, engineId: newId() } })
      await api.transfers.retry({ ids: [id] })
      expect(await row(id)).toMatchObject({
        status: 'queued',
        failure: null,
        attempts: 0,
        nextRunAt: null,
        finishedAt: null,
        cancelRequestedAt: null,
        claims: [{ firstPart: 0, lastPart: 0, engineId: null }],
      })
    },
  )

  it('asks for a proof of a completed object as a plan to be claimed', async () => {
    const id = await inState('completed')
    await harness.db.partClaim.deleteMany({ where: { transferId: id } })
    await api.transfers.verify({ ids: [id] })
    expect(await row(id)).toMatchObject({ status: 'verifying', claims: [{ firstPart: 0, lastPart: 0 }] })
  })

  it('removes a transfer with all that belongs to it, but not one whose upload is still in the bucket', async () => {
    const gone = await inState('cancelled')
    const kept = await inState('failed', { uploadId: 'upload-1' })
    const result = await api.transfers.remove({ ids: [gone, kept] })
    expect(result).toMatchObject({
      changed: [gone],
      refused: [{ id: kept, failure: { message: expect.stringContaining('Cancel it first') } }],
    })
    expect(await harness.db.event.count({ where: { transferId: gone } })).toBe(0)
  })

  it('sets and lifts a bandwidth limit, and refuses one on a transfer that has ended', async () => {
    const id = await inState('running')
    const ended = await inState('completed')
    const result = await api.transfers.setBandwidth({ ids: [id, ended], bytesPerSecond: 1_048_576 })
    expect(result).toMatchObject({ changed: [id], refused: [{ id: ended }] })
    expect(await api.transfers.byId({ id })).toMatchObject({ bandwidthLimitBytesPerSecond: 1_048_576 })
    await api.transfers.setBandwidth({ ids: [id], bytesPerSecond: null })
    expect(await api.transfers.byId({ id })).toMatchObject({ bandwidthLimitBytesPerSecond: null })
  })

  it('never undoes what an engine did at the same moment', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => inState('running')))
    // As an engine does it: a statement for each, so that no lock order of the test's own can meet the API's.
    const complete = (id: string) =>
      harness.db.$executeRaw`UPDATE "Transfer" SET status = 'completed' WHERE id = ${id}::uuid AND status = 'running'`
    const [paused, ...counts] = await Promise.all([api.transfers.pause({ ids }), ...ids.map(complete)])
    const completed = counts.reduce((sum, count) => sum + count, 0)
    expect(paused.changed.length + completed).toBe(20)
    const after = await api.transfers.list({ limit: 100 })
    expect(after.counts).toMatchObject({ paused: paused.changed.length, completed, running: 0 })
  })
})
