import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { applyAction } from '../../server/db/transfer-actions.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { createLog } from '../../server/log.ts'
import { patternBytes, patternSha256 } from '../testing/byte-pattern.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import { removeOrphan } from './orphaned-upload.ts'
import type { WorkContext } from './work-context.ts'

const CAPABILITIES = {
  checksumHeaders: true,
  checksumTrailers: true,
  fullObjectChecksum: true,
  conditionalWrites: true,
  metadata: true,
}

describe('correctness 41: an upload that was started and lost', () => {
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack()
  })
  afterAll(() => stack.close())

  /** Looks for the lost upload of a transfer whose start was noted just now, among uploads of these ages. */
  async function remove(agesMs: Record<string, number>, known: string[] = [], listsUploads?: boolean) {
    const id = await stack.create({ sourceUrl: 'https://example.org/file.bin' })
    const { db } = stack.database
    const startedAt = new Date()
    const row = await db.transfer.update({ where: { id }, data: { uploadStartingAt: startedAt } })
    for (const uploadId of known) {
      const owner = await stack.create({ sourceUrl: 'https://example.org/file.bin' })
      await db.transfer.update({ where: { id: owner }, data: { uploadId } })
    }
    const aborted: string[] = []
    const store = {
      capabilities: { ...CAPABILITIES, ...(listsUploads !== undefined && { listsUploads }) },
      listUploads: async () =>
        Object.entries(agesMs).map(([uploadId, ageMs]) => ({
          uploadId,
          initiatedAt: new Date(startedAt.getTime() - ageMs),
        })),
      abortUpload: async (_key: string, uploadId: string) => void aborted.push(uploadId),
    } as Partial<ObjectStore> as ObjectStore
    const context = { db, engineId: id, log: createLog('engine', 'silent') } as Partial<WorkContext> as WorkContext
    await removeOrphan(context, row, store, new AbortController().signal)
    const after = await db.transfer.findUniqueOrThrow({ where: { id } })
    expect(after.uploadStartingAt).toBeNull()
    return aborted
  }

  it('is removed where it was started in that moment and is nobody’s', async () => {
    expect(await remove({ lost: -300, old: 3_600_000, later: -600_000 })).toEqual(['lost'])
  })

  it('is not taken for one of somebody else, and one that a transfer knows is left alone', async () => {
    expect(await remove({ old: 3_600_000 })).toEqual([])
    expect(await remove({ owned: -300 }, ['owned'])).toEqual([])
  })

  it('is left to the lifecycle rule in a store that was seen not to list uploads: it is not asked', async () => {
    expect(await remove({ lost: -300 }, [], false)).toEqual([])
    expect(await remove({ lost: -300 }, [], true)).toEqual(['lost'])
  })

  it('is left to the lifecycle rule where another one began in the same moment', async () => {
    expect(await remove({ lost: -300, foreign: -200 })).toEqual([])
  })

  it('is not told from one that another transfer starts for the same key just now: neither is removed', async () => {
    const { db } = stack.database
    const beside = await stack.create({ sourceUrl: 'https://example.org/file.bin' })
    const starting = (uploadStartingAt: Date | null) =>
      db.transfer.update({ where: { id: beside }, data: { uploadStartingAt } })
    await starting(new Date())
    expect(await remove({ 'of the other': -300 })).toEqual([])
    await starting(new Date(Date.now() - 600_000))
    expect(await remove({ lost: -300 })).toEqual(['lost'])
    await starting(null)
  })

  it.each(['failed', 'cancelled'] as const)(
    'keeps a %s transfer from being removed until it is looked for',
    async (status) => {
      const { db } = stack.database
      const id = await stack.create({ sourceUrl: 'https://example.org/file.bin' })
      const set = (uploadStartingAt: Date | null) =>
        db.transfer.update({ where: { id }, data: { status, uploadStartingAt } })
      await set(new Date())
      const early = await applyAction(db, 'remove', [id])
      expect(early).toMatchObject({
        changed: [],
        refused: [{ failure: { code: 'not_allowed_in_state', retry: 'later' } }],
      })
      await set(null)
      expect((await applyAction(db, 'remove', [id])).changed).toEqual([id])
    },
  )

  it('does not keep a transfer for ever whose bucket nobody can look into any more', async () => {
    const { db } = stack.database
    const id = await stack.create({ sourceUrl: 'https://example.org/file.bin' })
    const uploadStartingAt = new Date(Date.now() - 25 * 3_600_000)
    await db.transfer.update({ where: { id }, data: { status: 'failed', uploadStartingAt } })
    expect((await applyAction(db, 'remove', [id])).changed).toEqual([id])
  })
})

describe('correctness 36: a transfer whose upload was completed by an engine that could not say so', () => {
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack()
    await stack.startEngine()
  })
  afterAll(() => stack.close())

  /** Moves a file, then takes the row back to where it was right before its end was saved; the upload is gone by now. */
  async function forgetTheEnd(path: string) {
    const sourceUrl = stack.source.serve(path, { sizeBytes: 12 * MIB })
    const id = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB, ifExists: 'overwrite' })
    await stack.waitFor(id, 'completed')
    const asked = stack.source.requests(path).length
    const claims = { create: { firstPart: 0, lastPart: 0 } }
    return {
      id,
      asked,
      forget: () =>
        stack.database.db.transfer.update({ where: { id }, data: { status: 'queued', uploadId: 'gone', claims } }),
    }
  }

  it('ends with the object that is there: nothing is read or sent again', async () => {
    const { id, asked, forget } = await forgetTheEnd('/ours.bin')
    await forget()
    const transfer = await stack.until(
      id,
      ({ status, events }) => status === 'completed' && events.filter(({ code }) => code === 'completed').length === 2,
    )
    expect(transfer.verification?.verdict).toBe('verified')
    expect(transfer.events.map(({ code }) => code)).not.toContain('started_over')
    // The probe alone.
    expect(stack.source.requests('/ours.bin').length).toBe(asked + 1)
    expect(await stack.objectSha256('ours.bin')).toBe(patternSha256(12 * MIB))
  })

  it('starts over where the object is one of somebody else, however much it looks like ours', async () => {
    const { id, forget } = await forgetTheEnd('/theirs.bin')
    await stack.s3.send(new PutObjectCommand({ Bucket: 'test', Key: 'theirs.bin', Body: patternBytes(0, 12 * MIB) }))
    await forget()
    const transfer = await stack.until(
      id,
      ({ status, events }) => status === 'completed' && events.filter(({ code }) => code === 'completed').length === 2,
    )
    expect(transfer.events.map(({ code }) => code)).toContain('started_over')
    expect(await stack.objectSha256('theirs.bin')).toBe(patternSha256(12 * MIB))
    expect(await stack.openUploads()).toEqual([])
  })
})
