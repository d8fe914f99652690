import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { machineIdentity, processIdentity } from '../../server/config/process-identity.ts'
import { newId } from '../../server/db/new-id.ts'

describe.runIf(machineIdentity() !== null)('claims of an engine of this machine', () => {
  let stack: EngineStack
  beforeEach(async () => {
    stack = await startEngineStack()
  })
  afterEach(() => stack.close())

  /** A transfer whose plan another engine holds for an hour; that engine is the process of the identity. */
  const heldBy = async (process: string) => {
    const id = await stack.create({ sourceUrl: stack.source.serve('/held.bin', { sizeBytes: 1000 }) })
    const { db } = stack.database
    const engineId = newId()
    const row = { name: 'other', version: '0', pid: 1, url: 'http://127.0.0.1:1', machine: machineIdentity(), process }
    await db.engine.create({ data: { id: engineId, ...row } })
    const leaseUntil = new Date(Date.now() + 3_600_000)
    await db.partClaim.updateMany({ where: { transferId: id }, data: { engineId, leaseUntil, epoch: 1 } })
    return { id, engineId }
  }

  it('are taken over at once where its process is gone', async () => {
    const { id, engineId } = await heldBy('4194999 1')
    await stack.startEngine()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    const other = await stack.database.db.engine.findUniqueOrThrow({ where: { id: engineId } })
    expect(other.stoppedAt).not.toBeNull()
  })

  it('are left alone where its process runs', async () => {
    const { id, engineId } = await heldBy(processIdentity(process.pid))
    await stack.startEngine()
    const free = await stack.create({ sourceUrl: stack.source.serve('/free.bin', { sizeBytes: 1000 }) })
    await stack.waitFor(free, 'completed')
    const held = await stack.database.db.partClaim.findFirstOrThrow({ where: { transferId: id } })
    expect(held).toMatchObject({ engineId, epoch: 1 })
  })
})
