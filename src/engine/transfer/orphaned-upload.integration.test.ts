import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { createLog } from '../../server/log.ts'
import type { ObjectStore } from '../upload/object-store.ts'
import { removeOrphan } from './orphaned-upload.ts'
import type { WorkContext } from './work-context.ts'

describe('correctness 41: an upload that was started and lost', () => {
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack()
  })
  afterAll(() => stack.close())

  /** Looks for the lost upload of a transfer whose start was noted just now, among uploads of these ages. */
  async function remove(agesMs: Record<string, number>, known: string[] = []) {
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

  it('is left to the lifecycle rule where another one began in the same moment', async () => {
    expect(await remove({ lost: -300, foreign: -200 })).toEqual([])
  })
})
