import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCeph } from '../../../e2e/stack/ceph.ts'
import { slowness } from '../../../e2e/stack/slowness.ts'
import { createObjectStoreServer } from '../../embedded/object-store/server.ts'
import type { BucketConnection } from '../../server/domain/bucket.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import { combineCrc32c, crc32cOf } from './crc32c.ts'
import { inspectBucket } from './inspect-bucket.ts'
import type { ObjectStore, PartBody, UploadedPart } from './object-store.ts'
import { type DialectName, dialectByName } from './s3-dialects.ts'
import { createObjectStore } from './s3-object-store.ts'

interface Running {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  version: string
  stop(): Promise<void>
}

async function startEmbedded(): Promise<Running> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-embedded-'))
  const keys = { accessKeyId: 'embeddedkey', secretAccessKey: 'embeddedsecret' }
  const server = await createObjectStoreServer({
    dir,
    host: '127.0.0.1',
    port: 0,
    region: 'us-east-1',
    ...keys,
    log: pino({ level: 'silent' }),
  })
  return {
    endpoint: server.url,
    region: 'us-east-1',
    ...keys,
    version: 'the embedded object store of this checkout',
    async stop() {
      await server.close()
      await rm(dir, { recursive: true })
    },
  }
}

const STORES: readonly { dialect: DialectName; start: () => Promise<Running | { unavailable: string }> }[] = [
  { dialect: 'ceph', start: startCeph },
  { dialect: 'embedded', start: startEmbedded },
]

const MIB = 1024 * 1024
const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
const signal = new AbortController().signal

for (const [{ dialect, start }, httpClient] of STORES.flatMap((store) =>
  HTTP_CLIENTS.map((each) => [store, each] as const),
))
  describe(`object store on ${dialect}, parts over ${httpClient}`, () => {
    const options = { guard, connectTimeoutMs: 5000, idleTimeoutMs: 30_000, maxConnections: 8, httpClient }
    const capabilities = dialectByName(dialect).capabilities
    let running: Running
    let unavailable: string | null = null
    let base: BucketConnection
    let raw: S3Client
    const opened: ObjectStore[] = []
    const open = (changes: Partial<BucketConnection> = {}) => {
      const store = createObjectStore({ ...base, ...changes }, options)
      opened.push(store)
      return store
    }
    let store: ObjectStore

    beforeAll(async () => {
      const started = await start()
      if ('unavailable' in started) {
        unavailable = started.unavailable
        // biome-ignore lint/suspicious/noConsole: a skip is named with its reason.
        console.warn(`${dialect} is skipped: ${unavailable}`)
        return
      }
      running = started
      const { endpoint, region, accessKeyId, secretAccessKey, version } = running
      // biome-ignore lint/suspicious/noConsole: the log of a run names the versions it ran against.
      console.info(`${dialect}: ${version}`)
      base = { endpoint, region, bucket: 'media', accessKeyId, secretAccessKey, forcePathStyle: true, capabilities }
      raw = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
      await raw.send(new CreateBucketCommand({ Bucket: 'media' }))
      store = open()
    })
    beforeEach((context) => {
      if (unavailable !== null) context.skip(unavailable)
    })
    afterEach(async () => {
      if (unavailable !== null) return
      const left = await raw.send(new ListMultipartUploadsCommand({ Bucket: 'media' }))
      expect(left.Uploads ?? []).toEqual([])
    })
    afterAll(async () => {
      for (const each of opened) each.close()
      if (unavailable !== null) return
      raw.destroy()
      await running.stop()
    })

    const slicesOf = (bytes: Uint8Array, sliceBytes = MIB) =>
      Array.from({ length: Math.ceil(bytes.length / sliceBytes) }, (_, n) =>
        bytes.subarray(n * sliceBytes, (n + 1) * sliceBytes),
      )
    const held = (bytes: Uint8Array): PartBody => ({
      kind: 'held',
      slices: slicesOf(bytes),
      crc32c: crc32cOf([bytes]),
    })
    /** Reuses one buffer for every slice, as a pool may: what was not sent before the next was asked for is lost. */
    const streamed = (bytes: Uint8Array, sliceBytes = MIB): PartBody => ({
      kind: 'streamed',
      slices: (async function* () {
        const pooled = Buffer.alloc(sliceBytes)
        for (const slice of slicesOf(bytes, sliceBytes)) {
          pooled.fill(0xee)
          pooled.set(slice)
          yield pooled.subarray(0, slice.length)
        }
      })(),
    })
    const send = (to: ObjectStore, key: string, uploadId: string, number: number, bytes: Uint8Array, body: PartBody) =>
      to.uploadPart({ key, uploadId, number, sizeBytes: bytes.length, body, onBytes: () => undefined, signal })
    const read = async (key: string) => {
      const answer = await raw.send(new GetObjectCommand({ Bucket: 'media', Key: key }))
      return Buffer.from((await answer.Body?.transformToByteArray()) ?? [])
    }
    const upload = async (
      to: ObjectStore,
      key: string,
      parts: readonly Uint8Array[],
      shape: (b: Uint8Array) => PartBody,
    ) => {
      const uploadId = await to.createUpload({ key, contentType: 'video/mp4', writeToken: 'token-1' }, signal)
      const sent = await Promise.all(
        parts.map((bytes, index) => send(to, key, uploadId, index + 1, bytes, shape(bytes))),
      )
      const complete = (changes: object = {}) =>
        to.completeUpload(
          {
            key,
            uploadId,
            parts: sent,
            sizeBytes: parts.reduce((sum, bytes) => sum + bytes.length, 0),
            crc32c: combineCrc32c(sent as { crc32c: string; sizeBytes: number }[]),
            mustNotExist: false,
            ...changes,
          },
          signal,
        )
      return { uploadId, sent, complete }
    }

    for (const [shapeName, shape] of [
      ['held', held],
      ['streamed', streamed],
    ] as const)
      for (const [name, given] of [
        ['with everything the store can do', capabilities],
        ['with nothing taken for granted', dialectByName('unknown').capabilities],
      ] as const)
        it(`puts ${shapeName} parts together again, ${name}`, async () => {
          const to = open({ capabilities: given })
          const key = `parts/${shapeName} & ${name}.bin`
          const parts = [randomBytes(6 * MIB), randomBytes(5 * MIB + 12_345), randomBytes(777)]
          const { uploadId, sent, complete } = await upload(to, key, parts, shape)
          expect(await to.listParts(key, uploadId, signal)).toEqual(
            sent.map(({ number, sizeBytes, etag }) => ({ number, sizeBytes, etag })),
          )
          await complete()
          const whole = Buffer.concat(parts)
          expect(whole.equals(await read(key))).toBe(true)
          const info = await to.head(key, signal)
          expect(info).toMatchObject({ sizeBytes: whole.length, metadata: { 'sluice-write-token': 'token-1' } })
          if (given.fullObjectChecksum) {
            expect(info?.checksumType).toBe('FULL_OBJECT')
            expect(info?.checksums.crc32c).toBe(crc32cOf([whole]))
          }
        })

    it('sends slices of odd and tiny sizes from one reused buffer', async () => {
      const bytes = randomBytes(5 * MIB + 1)
      for (const sliceBytes of [1000, 65_535, 65_537, 3 * MIB]) {
        const { complete } = await upload(store, 'odd.bin', [bytes], (b) => streamed(b, sliceBytes))
        await complete()
        expect(bytes.equals(await read('odd.bin'))).toBe(true)
      }
    })

    it('takes keys with spaces, plus signs, quotes, doubled slashes and other alphabets', async () => {
      for (const key of ["a b+c'd(e)*.bin", 'x//y/ /z', 'ünï/日本語 🎬.mkv', 'per%41cent?and#hash&amp;']) {
        const bytes = randomBytes(1000)
        const { complete } = await upload(store, key, [bytes], held)
        await complete()
        expect(bytes.equals(await read(key))).toBe(true)
      }
    })

    it('gives the checksum of the whole object for an upload of one part', async () => {
      const bytes = randomBytes(4321)
      const { complete } = await upload(store, 'one.bin', [bytes], held)
      await complete()
      expect(await store.head('one.bin', signal)).toMatchObject({
        checksumType: 'FULL_OBJECT',
        checksums: { crc32c: crc32cOf([bytes]) },
      })
    })

    it('uploads one empty part', async () => {
      for (const shape of [held, streamed]) {
        const { complete } = await upload(store, 'empty.bin', [Buffer.alloc(0)], shape)
        await complete()
        expect(await store.head('empty.bin', signal)).toMatchObject({ sizeBytes: 0 })
      }
    })

    it('writes and looks at a small object, and sees none where there is none', async () => {
      const put = { key: 'small', contentType: null, writeToken: 'token-2', mustNotExist: false }
      const { etag } = await store.putSmall({ ...put, body: Buffer.alloc(0) }, signal)
      expect(await store.head('small', signal)).toMatchObject({
        sizeBytes: 0,
        etag,
        metadata: { 'sluice-write-token': 'token-2' },
      })
      expect(await store.head('nothing here', signal)).toBeNull()
    })

    it('fails with key_exists rather than replace an object that must not exist', async () => {
      const first = { key: 'taken', contentType: null, writeToken: 't', mustNotExist: true, body: Buffer.from('first') }
      await store.putSmall(first, signal)
      await expect(store.putSmall({ ...first, body: Buffer.from('second') }, signal)).rejects.toMatchObject({
        code: 'key_exists',
        retry: 'never',
      })
      const { uploadId, complete } = await upload(store, 'taken', [Buffer.from('third')], held)
      await expect(complete({ mustNotExist: true })).rejects.toMatchObject({ code: 'key_exists' })
      await store.abortUpload('taken', uploadId, signal)
      expect((await read('taken')).toString()).toBe('first')
    })

    it('has a wrong checksum of a part refused by the store, and nothing stored', async () => {
      const bytes = randomBytes(100_000)
      const uploadId = await store.createUpload({ key: 'k', contentType: null, writeToken: 't' }, signal)
      const wrong: PartBody = { kind: 'held', slices: [bytes], crc32c: crc32cOf([Buffer.from('other')]) }
      await expect(send(store, 'k', uploadId, 1, bytes, wrong)).rejects.toMatchObject({
        code: 'checksum_mismatch',
        retry: 'now',
      })
      expect(await store.listParts('k', uploadId, signal)).toEqual([])
      await store.abortUpload('k', uploadId, signal)
    })

    it('has a wrong checksum of the whole object refused at Complete', async () => {
      const parts = [randomBytes(5 * MIB), randomBytes(5)]
      const { uploadId, complete } = await upload(store, 'whole', parts, held)
      await expect(complete({ crc32c: crc32cOf([Buffer.from('other')]) })).rejects.toMatchObject({
        code: 'checksum_mismatch',
      })
      expect(await store.head('whole', signal)).toBeNull()
      await store.abortUpload('whole', uploadId, signal)
    })

    it('stores nothing of a body that is shorter or longer than announced', async () => {
      const uploadId = await store.createUpload({ key: 'k', contentType: null, writeToken: 't' }, signal)
      const bytes = randomBytes(300_000)
      for (const wrongBytes of [bytes.length - 1, bytes.length + 1])
        for (const to of [store, open({ capabilities: null })])
          await expect(
            to.uploadPart({
              key: 'k',
              uploadId,
              number: 1,
              sizeBytes: wrongBytes,
              body: streamed(bytes, 100_000),
              onBytes: () => undefined,
              signal,
            }),
          ).rejects.toMatchObject({ code: 'size_mismatch' })
      expect(await store.listParts('k', uploadId, signal)).toEqual([])
      await store.abortUpload('k', uploadId, signal)
    })

    it('aborts so that nothing is left, also twice, also with parts', async () => {
      const { uploadId, sent } = await upload(store, 'gone', [randomBytes(5 * MIB), randomBytes(9)], held)
      await store.abortUpload('gone', uploadId, signal)
      expect(await store.listParts('gone', uploadId, signal)).toBeNull()
      await store.abortUpload('gone', uploadId, signal)
      const bytes = Buffer.from('late')
      await expect(send(store, 'gone', uploadId, 1, bytes, held(bytes))).rejects.toMatchObject({ code: 'upload_lost' })
      const complete = { key: 'gone', uploadId, parts: sent, sizeBytes: 5 * MIB + 9, crc32c: null, mustNotExist: false }
      await expect(store.completeUpload(complete, signal)).rejects.toMatchObject({ code: 'upload_lost', retry: 'now' })
    })

    // Lists come by the SDK whatever carries the parts, and each carrier is proven by its parts above: once for each store is enough.
    if (httpClient === 'lean')
      it('correctness 33: gives parts over 1,000 page by page', async () => {
        const uploadId = await store.createUpload({ key: 'many', contentType: null, writeToken: 't' }, signal)
        const numbers = Array.from({ length: 1003 }, (_, index) => index + 1)
        const sent: UploadedPart[] = []
        const lanes = Array.from({ length: 6 }, async () => {
          for (let number = numbers.pop(); number !== undefined; number = numbers.pop()) {
            const bytes = Buffer.from(`part ${number}`)
            sent.push(await send(store, 'many', uploadId, number, bytes, held(bytes)))
          }
        })
        await Promise.all(lanes)
        const listed = await store.listParts('many', uploadId, signal)
        expect(listed?.map((part) => part.number)).toEqual(Array.from({ length: 1003 }, (_, index) => index + 1))
        await store.abortUpload('many', uploadId, signal)
      })

    it('says by code and in a sentence what is wrong with the keys and the bucket', async () => {
      const create = (changes: Partial<BucketConnection>) =>
        open(changes).createUpload({ key: 'k', contentType: null, writeToken: 't' }, signal)
      await expect(create({ bucket: 'no-such-bucket' })).rejects.toMatchObject({
        code: 'bucket_not_found',
        retry: 'never',
        message: expect.stringContaining('no-such-bucket'),
      })
      await expect(create({ accessKeyId: 'nobody' })).rejects.toMatchObject({
        code: 'bucket_unauthorized',
        message: expect.stringContaining('does not know this access key ID'),
      })
      await expect(create({ secretAccessKey: 'wrong-secret' })).rejects.toMatchObject({
        code: 'bucket_unauthorized',
        message: expect.stringContaining('the secret access key does not fit'),
      })
      const bytes = Buffer.from('x')
      const wrongSecret = open({ secretAccessKey: 'wrong-secret' })
      await expect(send(wrongSecret, 'k', 'id', 1, bytes, held(bytes))).rejects.toMatchObject({
        code: 'bucket_unauthorized',
        message: expect.not.stringContaining('wrong-secret'),
      })
    })

    it('is inspected: every capability seen, everything removed, within its time', async () => {
      const startedAt = performance.now()
      const answer = await inspectBucket(base, { ...options, prefix: 'some/prefix/', timeoutMs: 120_000 }, signal)
      const tookMs = performance.now() - startedAt
      // A slower machine has as many times longer; that it is cut short in time is in s3-object-store.test.ts.
      expect(tookMs).toBeLessThan(tookMs < 12_000 ? 12_000 : 12_000 * (await slowness()))
      // biome-ignore lint/suspicious/noConsole: the log of a run names the store and what it can do.
      console.info(`${dialect}: ${JSON.stringify(answer.capabilities)} in ${Math.round(tookMs)} ms`)
      expect(answer.checks.filter((each) => !each.passed)).toEqual([])
      expect(answer.capabilities).toMatchObject({ ...capabilities, listsUploads: true, aborts: true })
      expect(answer.warnings).toEqual([])
      const { Contents } = await raw.send(new ListObjectsV2Command({ Bucket: 'media', Prefix: 'some/prefix/' }))
      expect(Contents ?? []).toEqual([])
    })

    it('is inspected: wrong keys, an unknown bucket and a silent endpoint end it with a sentence', async () => {
      const inspect = (changes: Partial<BucketConnection>) => inspectBucket({ ...base, ...changes }, options, signal)
      await expect(inspect({ bucket: 'no-such-bucket' })).rejects.toMatchObject({ code: 'bucket_not_found' })
      await expect(inspect({ accessKeyId: 'nobody' })).rejects.toMatchObject({ code: 'bucket_unauthorized' })
      await expect(inspect({ secretAccessKey: 'wrong' })).rejects.toMatchObject({ code: 'bucket_unauthorized' })
      await expect(inspect({ endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'bucket_unreachable' })
      await expect(inspect({ endpoint: 'http://10.1.2.3' })).rejects.toMatchObject({ code: 'address_refused' })
    })

    it('stops at once when its signal aborts, with the reason of the signal', async () => {
      const uploadId = await store.createUpload({ key: 'k', contentType: null, writeToken: 't' }, signal)
      const controller = new AbortController()
      const reason = new Error('the user cancelled')
      const slices = (async function* () {
        yield Buffer.alloc(MIB)
        controller.abort(reason)
        yield Buffer.alloc(MIB)
      })()
      const part = { key: 'k', uploadId, number: 1, sizeBytes: 3 * MIB, onBytes: () => undefined }
      await expect(
        store.uploadPart({ ...part, body: { kind: 'streamed', slices }, signal: controller.signal }),
      ).rejects.toBe(reason)
      await store.abortUpload('k', uploadId, signal)
    })
  })
