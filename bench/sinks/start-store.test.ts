import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { crc32cOf } from '../../src/engine/upload/crc32c.ts'
import { presignPut } from '../peers/presign-put.ts'
import { endlessBytes, endlessCrc32c } from '../sources/endless-file.ts'
import { startStore } from './start-store.ts'
import type { RunningStore } from './store.ts'

const MIB = 1024 ** 2
let store: RunningStore
let s3: S3Client

beforeEach(async () => {
  const started = await startStore({ kind: 'discard' }, 0)
  if ('unavailable' in started) throw new Error(started.unavailable)
  store = started
  const { endpoint, region } = store.connection
  s3 = new S3Client({ endpoint, region, credentials: store.connection, forcePathStyle: true })
})

afterEach(async () => {
  s3.destroy()
  await store.stop()
})

function bytes(sizeBytes: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < sizeBytes; at += pieces.at(-1)?.length ?? 0) pieces.push(endlessBytes(0, at, sizeBytes - at))
  return Buffer.concat(pieces)
}

describe('the discarding store', () => {
  test('knows size and checksum of an object that came in parts by lib-storage', async () => {
    const params = { Bucket: 'bench', Key: 'a/b c.bin', Body: Readable.from([bytes(12 * MIB)]) }
    await new Upload({ client: s3, params }).done()
    expect(await store.object('a/b c.bin')).toMatchObject({ sizeBytes: 12 * MIB, crc32c: endlessCrc32c(0, 12 * MIB) })
    expect((await store.counts()).bytes).toBe(12 * MIB)
  })

  test('takes a plain PUT to a presigned URL', async () => {
    const url = presignPut(store.connection, 'plain.bin', new Date())
    expect((await fetch(url, { method: 'PUT', body: new Uint8Array(bytes(1000)) })).status).toBe(200)
    expect(await store.object('plain.bin')).toMatchObject({ sizeBytes: 1000, crc32c: crc32cOf([bytes(1000)]) })
  })

  test('shows metadata and the checksum of the whole at HeadObject', async () => {
    const ChecksumCRC32C = crc32cOf([bytes(1000)])
    const put = { Bucket: 'bench', Key: 'k', Body: bytes(1000), Metadata: { token: 'x' }, ChecksumCRC32C }
    await s3.send(new PutObjectCommand(put))
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'bench', Key: 'k', ChecksumMode: 'ENABLED' }))
    expect(head).toMatchObject({
      ContentLength: 1000,
      Metadata: { token: 'x' },
      ChecksumCRC32C,
      ChecksumType: 'FULL_OBJECT',
    })
    expect(head.ETag).not.toContain(createHash('md5').update(bytes(1000)).digest('hex'))
  })

  test('refuses a part whose checksum is not the one of its bytes', async () => {
    const target = { Bucket: 'bench', Key: 'k' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target))
    const part = { ...target, UploadId, PartNumber: 1, Body: bytes(1000), ChecksumCRC32C: crc32cOf([bytes(999)]) }
    await expect(s3.send(new UploadPartCommand(part))).rejects.toThrow('BadDigest')
  })

  test('refuses to complete with parts that never came, and what must not be replaced', async () => {
    const target = { Bucket: 'bench', Key: 'k' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: '"x"' }] }
    const complete = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload })
    await expect(s3.send(complete)).rejects.toThrow('InvalidPart')
    await s3.send(new PutObjectCommand({ ...target, Body: 'first' }))
    const second = new PutObjectCommand({ ...target, Body: 'second', IfNoneMatch: '*' })
    await expect(s3.send(second)).rejects.toThrow('PreconditionFailed')
  })

  test('forgets everything when it is cleared', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'bench', Key: 'k', Body: 'x' }))
    await store.clear(0)
    expect(await store.object('k')).toBeNull()
  })
})
