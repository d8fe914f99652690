import { randomBytes } from 'node:crypto'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultyStack, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import type { BucketConnection } from '../../server/domain/bucket.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import { knowsNoFullObject } from '../testing/store-fault.ts'
import { compositeCrc32c, crc32cOf } from './crc32c.ts'
import { inspectBucket } from './inspect-bucket.ts'
import type { PartBody } from './object-store.ts'
import { createObjectStore } from './s3-object-store.ts'

const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
const signal = new AbortController().signal

/** Before the embedded store: Ceph 20 gives a checksum of the whole object, whichever was asked for. */
describe.each(HTTP_CLIENTS)('a store that refuses checksums of whole objects, parts over %s', (httpClient) => {
  const options = {
    guard,
    connectTimeoutMs: 5000,
    idleTimeoutMs: 30_000,
    maxConnections: 8,
    httpClient,
    timeoutMs: 120_000,
  }
  let rig: FaultyStack
  let connection: BucketConnection
  beforeAll(async () => {
    rig = await startFaultyStack()
    await rig.direct.send(new CreateBucketCommand({ Bucket: 'media' }))
    rig.faulty.behave(knowsNoFullObject)
    const keys = await rig.direct.config.credentials()
    const { accessKeyId, secretAccessKey } = keys
    const place = { endpoint: rig.faulty.endpoint, region: 'us-east-1', bucket: 'media', forcePathStyle: true }
    connection = { ...place, accessKeyId, secretAccessKey, capabilities: null }
  })
  afterAll(() => rig.close())

  it('is seen to keep those of parts', async () => {
    const answer = await inspectBucket(connection, options, signal)
    const seen = { checksumHeaders: true, checksumTrailers: true, fullObjectChecksum: false, compositeChecksum: true }
    expect(answer.capabilities).toMatchObject(seen)
    expect(answer.checks.filter((each) => !each.passed)).toEqual([])
  })

  it.each(['held', 'streamed'] as const)('gives that of %s parts, as it comes out of theirs', async (kind) => {
    const { capabilities } = await inspectBucket(connection, options, signal)
    const store = createObjectStore({ ...connection, capabilities }, options)
    try {
      const key = `${kind}.bin`
      const uploadId = await store.createUpload({ key, contentType: null, writeToken: 'token' }, signal)
      const parts = [randomBytes(5 * MIB), randomBytes(777)]
      const body = (bytes: Uint8Array): PartBody =>
        kind === 'held'
          ? { kind, slices: [bytes], crc32c: crc32cOf([bytes]) }
          : {
              kind,
              slices: (async function* () {
                yield bytes
              })(),
            }
      const sent = await Promise.all(
        parts.map((bytes, index) => {
          const part = { key, uploadId, number: index + 1, sizeBytes: bytes.length, body: body(bytes) }
          return store.uploadPart({ ...part, onBytes: () => undefined, signal })
        }),
      )
      const sizeBytes = 5 * MIB + 777
      await store.completeUpload(
        { key, uploadId, parts: sent, sizeBytes, crc32c: crc32cOf(parts), mustNotExist: false },
        signal,
      )
      const info = await store.head(key, signal)
      expect(info).toMatchObject({ sizeBytes, checksumType: 'COMPOSITE' })
      expect(info?.checksums.crc32c).toBe(compositeCrc32c(parts.map((bytes) => crc32cOf([bytes]))))
    } finally {
      store.close()
    }
  })
})
