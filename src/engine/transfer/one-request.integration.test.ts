import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FaultyStack, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternBytes, patternSha256 } from '../testing/byte-pattern.ts'
import { WRITE_TOKEN_KEY } from '../upload/object-store.ts'

const SIZE_BYTES = 5_000_001

/** Files larger than small ones, of a source whose connections are known to be fast. */
describe('a file that one connection has at once', () => {
  let rig: FaultyStack
  beforeEach(async () => {
    rig = await startFaultyStack()
  })
  afterEach(() => rig.close())

  /** An engine that has read a file from the source before. */
  async function startKnowing(): Promise<void> {
    const { stack } = rig
    await stack.startEngine()
    const sourceUrl = stack.source.serve('/before.bin', { sizeBytes: MIB })
    await stack.waitFor(await stack.create({ sourceUrl }), 'completed')
  }
  const uploads = () => rig.faulty.requests('CreateMultipartUpload').filter(({ key }) => key === 'file.bin')
  const move = async (sourceUrl: string) => {
    const { stack } = rig
    const done = await stack.waitFor(await stack.create({ sourceUrl, key: 'file.bin' }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.verification?.verdict).toBe('verified')
    expect(await stack.objectSha256('file.bin')).toBe(patternSha256(SIZE_BYTES))
    return done
  }

  it('goes in one request on each side, and is told as one part', async () => {
    await startKnowing()
    const done = await move(rig.stack.source.serve('/file.bin', { sizeBytes: SIZE_BYTES }))
    expect(done).toMatchObject({ sizeBytes: SIZE_BYTES, partsTotal: 1, partsDone: 1, partSizeBytes: 8 * MIB })
    expect(done.metrics).toMatchObject({ sourceRequests: 1, bucketRequests: 1, sourceBytes: SIZE_BYTES })
    expect(uploads()).toHaveLength(0)
  })

  it('has an upload of its own where nobody knows its source yet', async () => {
    await rig.stack.startEngine()
    const sourceUrl = rig.stack.source.serve('/file.bin', { sizeBytes: SIZE_BYTES })
    await move(sourceUrl)
    expect(uploads()).toHaveLength(1)
  })

  it('goes in parts where its answer breaks, because they can go on from where it breaks again', async () => {
    await startKnowing()
    let answers = 0
    const sourceUrl = rig.stack.source.serve('/file.bin', () => ({
      sizeBytes: SIZE_BYTES,
      ...(answers++ === 0 && { breakAfterBytes: 3_000_000, breakBy: 'reset' as const }),
    }))
    const done = await move(sourceUrl)
    expect(done.metrics.sourceRetries).toBeGreaterThanOrEqual(1)
    expect(uploads()).toHaveLength(1)
  })

  it('goes in parts where something before the bucket refuses the whole of it', async () => {
    await startKnowing()
    rig.faulty.behave(({ operation, key }) =>
      operation === 'PutObject' && key === 'file.bin' ? { kind: 'refuse', status: 413, code: 'EntityTooLarge' } : null,
    )
    await move(rig.stack.source.serve('/file.bin', { sizeBytes: SIZE_BYTES }))
    expect(uploads()).toHaveLength(1)
  })

  it('is recognised by an engine that knows nothing of the source, after a kill between its write and its record', async () => {
    const { stack, direct } = rig
    const sourceUrl = stack.source.serve('/file.bin', { sizeBytes: SIZE_BYTES })
    const id = await stack.create({ sourceUrl, key: 'file.bin' })
    await direct.send(
      new PutObjectCommand({
        ...{ Bucket: 'test', Key: 'file.bin', Body: patternBytes(0, SIZE_BYTES) },
        Metadata: { [WRITE_TOKEN_KEY]: id, mark: 'of the first' },
        ChecksumAlgorithm: 'CRC32C',
      }),
    )
    await stack.startEngine()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    const { Metadata } = await direct.send(new HeadObjectCommand({ Bucket: 'test', Key: 'file.bin' }))
    expect(Metadata).toMatchObject({ mark: 'of the first' })
    expect(uploads()).toHaveLength(0)
  })
})
