import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { BucketCapabilities } from '../../server/domain/bucket.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import { inspectBucket } from './inspect-bucket.ts'
import { dialectByName } from './s3-dialects.ts'
import { createObjectStore } from './s3-object-store.ts'

describe.each(HTTP_CLIENTS)('parts over %s', (httpClient) => {
  const ALL = dialectByName('ceph').capabilities
  const NONE = dialectByName('unknown').capabilities
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  const signal = new AbortController().signal
  const closers: (() => void)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  interface Seen {
    method: string
    url: string
    headers: IncomingMessage['headers']
    body: string
  }
  type Answer = (request: Seen, nth: number, response: ServerResponse) => void

  /** A store that answers each request as told, and a door to it. */
  async function setUp(answer: Answer, capabilities: BucketCapabilities | null = ALL) {
    const seen: Seen[] = []
    const server = createServer(async (message, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of message) chunks.push(chunk as Buffer)
      const request = {
        method: message.method ?? '',
        url: message.url ?? '',
        headers: message.headers,
        body: Buffer.concat(chunks).toString(),
      }
      seen.push(request)
      answer(request, seen.length - 1, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const connection = {
      endpoint: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
      region: 'eu-north-1',
      bucket: 'media',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'not-to-be-shown',
      forcePathStyle: true,
      capabilities,
    }
    const options = { guard, connectTimeoutMs: 1000, idleTimeoutMs: 1000, maxConnections: 4, httpClient }
    const store = createObjectStore(connection, options)
    closers.push(
      () => store.close(),
      () => server.close(),
      () => server.closeAllConnections(),
    )
    return { store, seen, connection, options }
  }

  const xml = (response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) =>
    response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(`<?xml version="1.0"?>\n${body}`)
  const error = (response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}) =>
    xml(response, status, `<Error><Code>${code}</Code><Message>AKIDEXAMPLE not-to-be-shown</Message></Error>`, headers)
  const COMPLETED =
    '<CompleteMultipartUploadResult><Bucket>media</Bucket><Key>k</Key><ETag>"whole-2"</ETag></CompleteMultipartUploadResult>'
  const COMPLETE = {
    key: 'k',
    uploadId: 'u',
    parts: [
      { number: 1, sizeBytes: 10, etag: '"a"', crc32c: 'AAAAAA==' },
      { number: 2, sizeBytes: 5, etag: '"b"', crc32c: 'BBBBBA==' },
    ],
    sizeBytes: 15,
    crc32c: '4waSgw==',
    mustNotExist: true,
  }

  it('makes a call once more with the time of the store where that refused ours, and no more often', async () => {
    const date = new Date(Date.now() - 2 * 3_600_000)
    const refuse = (response: ServerResponse) =>
      error(response, 403, 'RequestTimeTooSkewed', { date: date.toUTCString() })
    const { store, seen } = await setUp((_, nth, response) =>
      nth === 0
        ? refuse(response)
        : xml(response, 200, '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'),
    )
    const create = { key: 'k', contentType: null, writeToken: 'w' }
    expect(await store.createUpload(create, signal)).toBe('u')
    const signedAt = String(seen[1]?.headers['x-amz-date'])
    expect(signedAt.slice(0, 11)).toBe(date.toISOString().replace(/[-:]/g, '').slice(0, 11))
    const never = await setUp((_, __, response) => refuse(response))
    await expect(never.store.createUpload(create, signal)).rejects.toMatchObject({ code: 'clock_skewed' })
    expect(never.seen).toHaveLength(2)
  })

  describe('completing an upload', () => {
    it('sends parts, checksum and condition where the store takes them', async () => {
      const { store, seen } = await setUp((_, __, response) => xml(response, 200, COMPLETED))
      expect(await store.completeUpload(COMPLETE, signal)).toEqual({ etag: '"whole-2"' })
      expect(seen).toHaveLength(1)
      expect(seen[0]).toMatchObject({
        method: 'POST',
        headers: { 'if-none-match': '*', 'x-amz-checksum-crc32c': '4waSgw==', 'x-amz-checksum-type': 'FULL_OBJECT' },
      })
      expect(seen[0]?.body).toContain('<PartNumber>2</PartNumber>')
      expect(seen[0]?.body).toContain('<ChecksumCRC32C>BBBBBA==</ChecksumCRC32C>')
    })

    it('correctness 35: sends none of that where the store was not seen to take it', async () => {
      const { store, seen } = await setUp((_, __, response) => xml(response, 200, COMPLETED), null)
      await store.completeUpload(COMPLETE, signal)
      expect(Object.keys(seen[0]?.headers ?? {}).filter((name) => /checksum|if-none|mp-object/.test(name))).toEqual([])
      expect(seen[0]?.body).not.toContain('Checksum')
    })

    for (const [code, failure] of [
      ['InternalError', { code: 'bucket_error', retry: 'now' }],
      ['SlowDown', { code: 'bucket_slow_down', retry: 'now' }],
      ['InvalidPart', { code: 'upload_lost', retry: 'now' }],
    ] as const)
      it(`correctness 36: takes a 200 with ${code} in its body for the error it is, after white space and once`, async () => {
        const { store, seen } = await setUp((request, _, response) => {
          if (request.method === 'GET') return xml(response, 200, '<ListPartsResult></ListPartsResult>')
          response.writeHead(200, { 'content-type': 'application/xml' })
          response.write('<?xml version="1.0"?>\n')
          for (let n = 0; n < 5; n++) response.write('   \n')
          response.end(`<Error><Code>${code}</Code><Message>late</Message></Error>`)
        })
        await expect(store.completeUpload(COMPLETE, signal)).rejects.toMatchObject(failure)
        expect(seen.filter((request) => request.method === 'POST')).toHaveLength(1)
      })

    for (const [status, code, failure] of [
      [412, 'PreconditionFailed', { code: 'key_exists', retry: 'never' }],
      [409, 'ConditionalRequestConflict', { code: 'upload_conflict', retry: 'now' }],
      [404, 'NoSuchUpload', { code: 'upload_lost', retry: 'now' }],
      [404, 'NoSuchKey', { code: 'upload_lost', retry: 'now' }],
      [404, 'NoSuchBucket', { code: 'bucket_not_found', retry: 'never' }],
      [400, 'BadDigest', { code: 'checksum_mismatch', retry: 'now' }],
      [400, 'EntityTooSmall', { code: 'bucket_error', retry: 'never' }],
    ] as const)
      it(`fails with ${failure.code} on ${status} ${code}`, async () => {
        const { store, seen } = await setUp((_, __, response) => error(response, status, code))
        await expect(store.completeUpload(COMPLETE, signal)).rejects.toMatchObject(failure)
        expect(seen).toHaveLength(1)
      })

    it('says upload_lost where the store answers 500 and no longer lists the upload, as Ceph does', async () => {
      const { store, seen } = await setUp((request, _, response) =>
        request.method === 'POST' ? error(response, 500, 'InternalError') : error(response, 404, 'NoSuchKey'),
      )
      await expect(store.completeUpload(COMPLETE, signal)).rejects.toMatchObject({ code: 'upload_lost' })
      expect(seen.map((request) => request.method)).toEqual(['POST', 'GET'])
    })

    it('correctness 19 and 37: never asks for it where parts are missing, out of order, or do not add up', async () => {
      const { store, seen } = await setUp((_, __, response) => xml(response, 200, COMPLETED))
      const [first, second] = COMPLETE.parts as [(typeof COMPLETE.parts)[0], (typeof COMPLETE.parts)[0]]
      for (const parts of [[], [second], [second, first]])
        await expect(store.completeUpload({ ...COMPLETE, parts }, signal)).rejects.toMatchObject({
          code: 'internal_error',
        })
      await expect(store.completeUpload({ ...COMPLETE, sizeBytes: 16 }, signal)).rejects.toMatchObject({
        code: 'size_mismatch',
      })
      expect(seen).toEqual([])
    })
  })

  describe('aborting and listing', () => {
    const onePart =
      '<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size><ETag>"a"</ETag></Part></ListPartsResult>'

    it('aborts again while the store still lists the upload', async () => {
      let lists = 0
      const { store, seen } = await setUp((request, _, response) => {
        if (request.method === 'DELETE') response.writeHead(204).end()
        else if (lists++ === 0) xml(response, 200, onePart)
        else error(response, 404, 'NoSuchUpload')
      })
      await store.abortUpload('k', 'u', signal)
      expect(seen.map((request) => request.method)).toEqual(['DELETE', 'GET', 'DELETE', 'GET'])
    })

    it('succeeds where the upload was gone already', async () => {
      const { store } = await setUp((_, __, response) => error(response, 404, 'NoSuchUpload'))
      await store.abortUpload('k', 'u', signal)
      expect(await store.listParts('k', 'u', signal)).toBeNull()
    })

    it('correctness 33: follows the pages, and refuses to go round in a circle', async () => {
      const page = (marker: number) =>
        `<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>${marker}</NextPartNumberMarker></ListPartsResult>`
      const { store, seen } = await setUp((_, __, response) => xml(response, 200, page(1)))
      await expect(store.listParts('k', 'u', signal)).rejects.toMatchObject({ code: 'bucket_protocol_error' })
      expect(seen).toHaveLength(2)
    })

    it('repeats a listing that failed for the moment, but starts an upload only once', async () => {
      const { store, seen } = await setUp((request, nth, response) =>
        request.method === 'GET' && nth > 0 ? xml(response, 200, onePart) : error(response, 500, 'InternalError'),
      )
      expect(await store.listParts('k', 'u', signal)).toEqual([{ number: 1, sizeBytes: 5, etag: '"a"' }])
      seen.length = 0
      const create = store.createUpload({ key: 'k', contentType: null, writeToken: 't' }, signal)
      await expect(create).rejects.toMatchObject({ code: 'bucket_error', retry: 'now' })
      expect(seen).toHaveLength(1)
    })
  })

  describe('what goes wrong with an endpoint', () => {
    const create = { key: 'k', contentType: null, writeToken: 't' }

    it('names the region that the bucket is in', async () => {
      const { store } = await setUp((_, __, response) =>
        error(response, 301, 'PermanentRedirect', { 'x-amz-bucket-region': 'us-west-2' }),
      )
      await expect(store.createUpload(create, signal)).rejects.toMatchObject({
        code: 'bucket_error',
        retry: 'never',
        message: expect.stringContaining('us-west-2'),
      })
    })

    it('says so where a web page answers in place of a store', async () => {
      const page = (_: Seen, __: number, response: ServerResponse) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Welcome<br>')
      const { store, connection, options } = await setUp(page)
      await expect(store.createUpload(create, signal)).rejects.toMatchObject({ code: 'bucket_protocol_error' })
      await expect(inspectBucket(connection, options, signal)).rejects.toMatchObject({ code: 'bucket_protocol_error' })
    })

    it('shows no secret, and hands on how long to wait', async () => {
      const { store } = await setUp((_, __, response) => error(response, 503, 'SlowDown', { 'retry-after': '2' }))
      const failure = await store.createUpload(create, signal).catch((thrown) => thrown)
      expect(failure).toMatchObject({ code: 'bucket_slow_down', retryAfterMs: 2000 })
      expect(`${failure.message} ${JSON.stringify(failure)}`).not.toMatch(/not-to-be-shown|AKIDEXAMPLE/)
    })

    it('gives up on a store that does not answer', async () => {
      const { store } = await setUp(() => undefined)
      await expect(store.createUpload(create, signal)).rejects.toMatchObject({
        code: 'bucket_unreachable',
        retry: 'now',
      })
    })

    it('rejects with the reason of its signal', async () => {
      const controller = new AbortController()
      const reason = new Error('cancelled')
      const { store } = await setUp(() => controller.abort(reason))
      await expect(store.createUpload(create, controller.signal)).rejects.toBe(reason)
    })

    it('never connects where the guard refuses, neither for calls nor for parts', async () => {
      const { connection, options, seen } = await setUp((_, __, response) => response.end())
      const strict = createAddressGuard({ allowedNetworks: [], exemptListeners: [] })
      expect(() => createObjectStore(connection, { ...options, guard: strict })).toThrow(/not a public address/)
      const byName = { ...connection, endpoint: connection.endpoint.replace('127.0.0.1', 'store.example') }
      const fooled = createAddressGuard({
        allowedNetworks: [],
        exemptListeners: [],
        resolver: (_, __, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
      })
      const store = createObjectStore(byName, { ...options, guard: fooled })
      closers.push(() => store.close())
      await expect(store.createUpload(create, signal)).rejects.toMatchObject({ code: 'address_refused' })
      const body = { kind: 'held' as const, slices: [Buffer.from('x')], crc32c: 'AAAAAA==' }
      const part = { key: 'k', uploadId: 'u', number: 1, sizeBytes: 1, body, onBytes: () => undefined, signal }
      await expect(store.uploadPart(part)).rejects.toMatchObject({ code: 'address_refused' })
      expect(seen).toEqual([])
    })
  })

  it('gives up reading an object whose bytes stop coming, and waits for a reader that takes its time', async () => {
    const { store } = await setUp((_, nth, response) => {
      response.writeHead(200, { 'content-length': 6 }).write('abc')
      if (nth === 0) response.end('def')
    })
    const seen: string[] = []
    for await (const bytes of store.read('slow-reader', signal)) {
      // Longer than the idle timeout: this is not the store's silence.
      await new Promise((resolve) => setTimeout(resolve, 1_300))
      seen.push(Buffer.from(bytes).toString())
    }
    expect(seen.join('')).toBe('abcdef')
    const silent = async () => {
      for await (const bytes of store.read('silent', signal)) seen.push(Buffer.from(bytes).toString())
    }
    await expect(silent()).rejects.toMatchObject({ code: 'bucket_unreachable', retry: 'now' })
  })

  describe('an inspection', () => {
    it('goes on where listing is denied, and ends with a sentence where writing is', async () => {
      const { connection, options, seen } = await setUp((_, __, response) => error(response, 403, 'AccessDenied'), null)
      await expect(inspectBucket(connection, options, signal)).rejects.toMatchObject({
        code: 'bucket_unauthorized',
        message: expect.stringContaining('writing a small object'),
      })
      // What it may have written it tries to remove all the same.
      expect(seen.map((request) => request.method)).toEqual(['GET', 'PUT', 'DELETE'])
    })

    it('is over in its time where the store is silent', async () => {
      const { connection, options } = await setUp(() => undefined)
      const inspected = inspectBucket(connection, { ...options, timeoutMs: 200 }, signal)
      await expect(inspected).rejects.toMatchObject({ code: 'bucket_unreachable', retry: 'now' })
    })

    it('finds that a store ignores all that it may, and warns', async () => {
      const etag = { etag: '"e"' }
      const { connection, options } = await setUp((request, _, response) => {
        const { method, url, headers } = request
        if (method === 'HEAD') return response.writeHead(200, { ...etag, 'content-length': '71' }).end()
        if (method === 'GET' && url.includes('uploadId'))
          return xml(response, 200, '<ListPartsResult></ListPartsResult>')
        if (method === 'GET') return xml(response, 200, '<ListBucketResult></ListBucketResult>')
        if (method === 'DELETE') return response.writeHead(204).end()
        if (method === 'POST' && url.includes('uploads'))
          return xml(
            response,
            200,
            '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>',
          )
        if (method === 'POST') return xml(response, 200, COMPLETED)
        // Trailers and checksum headers are refused, as B2 does.
        if (headers['x-amz-sdk-checksum-algorithm']) return error(response, 400, 'InvalidArgument')
        response.writeHead(200, etag).end()
      }, null)
      const answer = await inspectBucket(connection, options, signal)
      expect(answer.capabilities).toEqual({
        ...NONE,
        metadata: false,
        repeatedComplete: true,
        objectSizeAtComplete: false,
        listsUploads: false,
        aborts: false,
        compositeChecksum: false,
        replacesIfMatch: false,
        removesIfMatch: false,
      })
      expect(answer.warnings.map((warning) => warning.code)).toEqual(['no_conditional_writes'])
      expect(answer.checks.filter((check) => check.passed).map((check) => check.name)).toEqual([
        'Access',
        'Write and read',
        'Multipart upload',
        'Remove',
      ])
    })
  })
})
