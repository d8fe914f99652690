import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { type EngineStack, startEngineStack } from '../stack/engine-stack.ts'
import { acknowledgedParts, assertInvariants, type ChaosFacts, findViolations } from './invariants.ts'
import { watchTransfer } from './watch-transfer.ts'

const SIZE_BYTES = 13 * MIB
const NOTHING = { moments: [], logs: 'nothing to see', canaries: ['secret'], processes: [], openRequests: () => 0 }

describe('the invariants', () => {
  let stack: EngineStack
  beforeEach(async () => {
    stack = await startEngineStack()
    await stack.startEngine()
  })
  afterEach(() => stack.close())

  const moved = async (): Promise<ChaosFacts> => {
    const sourceUrl = stack.source.serve('/file.bin', { sizeBytes: SIZE_BYTES })
    const transferId = await stack.create({ sourceUrl, partSizeBytes: 6 * MIB })
    const at = { db: stack.database.db, s3: stack.s3, bucket: 'test', transferId }
    const watch = watchTransfer(at)
    await stack.waitFor(transferId, 'completed')
    return { ...at, sha256: patternSha256(SIZE_BYTES), status: 'completed', seen: await watch.stop(), ...NOTHING }
  }

  it('hold after a transfer nothing happened to', async () => {
    const facts = await moved()
    const acknowledged = await acknowledgedParts(facts.db, facts.transferId)
    expect(acknowledged.map(({ startByte, endByte }) => [startByte, endByte])).toEqual([
      [0, 6 * MIB],
      [6 * MIB, 12 * MIB],
      [12 * MIB, 13 * MIB],
    ])
    await assertInvariants({ ...facts, acknowledged })
  })

  it('name each thing that is wrong', async () => {
    const facts = await moved()
    const acknowledged = await acknowledgedParts(facts.db, facts.transferId)
    await facts.s3.send(new PutObjectCommand({ Bucket: 'test', Key: 'file.bin', Body: 'another' }))
    await facts.s3.send(new CreateMultipartUploadCommand({ Bucket: 'test', Key: 'file.bin' }))
    await facts.db.transfer.update({ where: { id: facts.transferId }, data: { partsDone: 2 } })
    const [last] = facts.seen?.slice(-1) ?? []
    if (!last) throw new Error('Nothing was seen.')
    const found = await findViolations({
      ...facts,
      acknowledged,
      askedAfter: [
        { startByte: 0, endByte: 1 },
        { startByte: 5 * MIB, endByte: 6 * MIB },
      ],
      sentAfter: [3],
      moments: [{ acknowledged, askedAfter: [{ startByte: 12 * MIB, endByte: 13 * MIB }], sentAfter: [] }],
      seen: [last, { ...last, transferredBytes: 1, objectEtag: null }],
      logs: 'the secret',
      processes: [{ name: 'engine', rssBytes: () => 2, rssLimitBytes: 1, sockets: () => 4, socketLimit: 3 }],
      openRequests: () => 5,
      settleMs: 300,
    })
    const said = found.join('\n')
    for (const invariant of ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7']) expect(said).toContain(invariant)
    expect(said).toMatch(/part 1 was acknowledged, and read again/)
    expect(said).toMatch(/part 3 was acknowledged, and sent again/)
    expect(said).not.toMatch(/part 2/)
    expect(said).toMatch(/part 3 was acknowledged, and read again/)
    expect(said).toMatch(/engine holds 2 bytes/)
    expect(said).toMatch(/engine has 4 sockets/)
    expect(said).toMatch(/5 requests/)
    expect(said).toMatch(/I1: what was at the key was gone for a while/)
  })
})
