import { setTimeout as delay } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { startCeph } from '../../e2e/stack/ceph.ts'
import { encodeCrc32c, updateCrc32c } from '../../src/engine/upload/crc32c.ts'
import type { RunningStore } from './store.ts'

const BUCKET = 'bench'
/** Of the 4 GiB that e2e/stack/ceph.ts gives it, the rest being its own. */
const ROOM_BYTES = 3.2 * 1024 ** 3
/** Ceph removes the bytes of deleted objects by a collector that e2e/stack/ceph.ts runs every 5 s, on what is 5 s old. */
const COLLECTED_AFTER_MS = 11_000

const WARM_UP_OBJECT_BYTES = 64 * 1024 ** 2
const WARM_UP_WRITERS = 4

/**
 * A real radosgw of the project's own scripts. What arrived is read back and its CRC32C computed here. So many bytes were written and
 * removed before: measured, the first 2 GiB that go into a fresh one took about one and a half times as long as the next.
 */
export async function startCephStore(warmUpBytes: number): Promise<RunningStore | { unavailable: string }> {
  const ceph = await startCeph()
  if ('unavailable' in ceph) return ceph
  const { endpoint, region, accessKeyId, secretAccessKey } = ceph
  const s3 = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
  let uncollectedBytes = 0
  let toWarm = Math.ceil(Math.min(warmUpBytes, ROOM_BYTES) / WARM_UP_OBJECT_BYTES)
  const Body = Buffer.alloc(WARM_UP_OBJECT_BYTES)
  const warm = async () => {
    while (toWarm > 0) await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `warm-up/${toWarm--}`, Body }))
  }
  await Promise.all(Array.from({ length: WARM_UP_WRITERS }, warm))

  return {
    title: /version ([\d.]+)/.exec(ceph.version)?.[0]?.replace('version', 'Ceph') ?? 'Ceph',
    connection: { endpoint, region, bucket: BUCKET, accessKeyId, secretAccessKey },
    counts: async () => ({ requests: null, bytes: null, cpuSeconds: ceph.cpuSeconds() }),
    async object(Key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))
      let crc = 0
      let sizeBytes = 0
      for await (const bytes of Body as AsyncIterable<Uint8Array>) {
        crc = updateCrc32c(bytes, crc)
        sizeBytes += bytes.length
      }
      return { sizeBytes, crc32c: encodeCrc32c(crc) }
    },
    async clear(nextBytes) {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))
      for (const { Key, UploadId } of Uploads)
        await s3.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key, UploadId }))
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }))
      for (const { Key, Size = 0 } of Contents) {
        await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }))
        uncollectedBytes += Size
      }
      // What was uploaded of a run that failed is not listed: then it counts as whole.
      if (Uploads.length > 0) uncollectedBytes += nextBytes
      if (uncollectedBytes + nextBytes <= ROOM_BYTES) return
      await delay(COLLECTED_AFTER_MS)
      uncollectedBytes = 0
    },
    async stop() {
      s3.destroy()
      await ceph.stop()
    },
  }
}
