import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Agent, buildConnector } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import type { BucketCapabilities, BucketConnection } from '../../server/domain/bucket.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import { crc32cOf } from './crc32c.ts'
import { createLeanPartCarrier } from './http1/lean-part-carrier.ts'
import { keepingAnswers } from './keeping-answers.ts'
import type { PartBody, PartUpload } from './object-store.ts'
import type { PartCarrier } from './part-carrier.ts'
import { dialectByName } from './s3-dialects.ts'
import { createPartSender } from './send-part.ts'
import { type RawRequest, startRawStore } from './testing/raw-store.ts'
import { createUndiciPartCarrier } from './undici-part-carrier.ts'

const MIB = 1024 * 1024
const ALL = dialectByName('ceph').capabilities
const NONE = dialectByName('unknown').capabilities
const PSK = { identity: 'sluice', psk: Buffer.alloc(16, 7) }
/** TLS by a shared key, so that no certificate has to be made for a test. */
const TLS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' as const }

function undiciCarrier(trust: object): PartCarrier {
  const connect = buildConnector({ allowH2: false, ...trust } as buildConnector.BuildOptions)
  return createUndiciPartCarrier(
    new Agent({ connect: keepingAnswers(connect), connections: 4, pipelining: 1, allowH2: false }),
  )
}

function leanCarrier(trust: object): PartCarrier {
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  return createLeanPartCarrier({ guard, timeoutMs: 5000, maxConnections: 4, tls: trust })
}

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  const closers: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  interface Setup {
    capabilities?: BucketCapabilities
    idleTimeoutMs?: number
    tls?: boolean
  }

  /** A store that does as told with each request, and a sender to it. */
  async function setUp(onRequest: (request: RawRequest) => Promise<void> | void, setup: Setup = {}) {
    const store = await startRawStore(onRequest, setup.tls ? { ...TLS, pskCallback: () => PSK.psk } : undefined)
    const trust = setup.tls ? { ...TLS, pskCallback: () => PSK, checkServerIdentity: () => undefined } : {}
    const carrier = httpClient === 'lean' ? leanCarrier(trust) : undiciCarrier(trust)
    closers.push(
      async () => carrier.close(),
      () => store.close(),
    )
    const connection: BucketConnection = {
      endpoint: store.url,
      region: 'us-east-1',
      bucket: 'media',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'not-to-be-shown',
      forcePathStyle: true,
      capabilities: null,
    }
    let offsetMs = 0
    const clock = {
      now: () => new Date(Date.now() + offsetMs),
      correct(date: Date) {
        const offset = date.getTime() - Date.now()
        if (Math.abs(offset - offsetMs) < 60_000) return false
        offsetMs = offset
        return true
      },
    }
    const send = createPartSender({
      connection,
      capabilities: setup.capabilities ?? ALL,
      carrier,
      clock,
      idleTimeoutMs: setup.idleTimeoutMs ?? 5000,
    })
    return {
      store,
      send: (part: Partial<PartUpload> & { body: PartBody; sizeBytes: number }) => send({ ...PART, ...part }),
    }
  }

  const PART = {
    key: 'a b/c+d.bin',
    uploadId: 'upload~1',
    number: 3,
    onBytes: () => undefined,
    signal: new AbortController().signal,
  }
  const held = (...slices: Uint8Array[]): PartBody => ({ kind: 'held', slices, crc32c: crc32cOf(slices) })
  const accept = async (request: RawRequest) => {
    await request.readAll()
    request.answer('200 OK', { etag: '"e"' })
  }
  const errorBody = (code: string) =>
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>AKIDEXAMPLE not-to-be-shown</Message></Error>`

  /** One buffer for all slices, overwritten as soon as the next is asked for. */
  function reusing(bytes: Uint8Array, sliceBytes: number): PartBody {
    return {
      kind: 'streamed',
      slices: (async function* () {
        const pooled = Buffer.alloc(sliceBytes)
        for (let start = 0; start < bytes.length; start += sliceBytes) {
          pooled.fill(0xee)
          const slice = bytes.subarray(start, start + sliceBytes)
          pooled.set(slice)
          yield pooled.subarray(0, slice.length)
        }
      })(),
    }
  }

  /** Takes an aws-chunked body apart; throws where the framing is not as it should be. */
  function unframe(body: Buffer): { bytes: Buffer; trailer: string } {
    const pieces: Buffer[] = []
    for (let at = 0; ; ) {
      const lineEnd = body.indexOf('\r\n', at)
      const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
      if (size === 0) return { bytes: Buffer.concat(pieces), trailer: body.toString('latin1', lineEnd + 2) }
      pieces.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
      at = lineEnd + 2 + size + 2
      if (body.toString('latin1', at - 2, at) !== '\r\n') throw new Error('no line end behind a frame')
    }
  }

  describe('a held part on the wire', () => {
    it('has its length and its checksum in headers, its slices in order, and no Expect', async () => {
      const seen: { line: string; headers: Readonly<Record<string, string>>; body: Buffer }[] = []
      const { send } = await setUp(async (request) => {
        seen.push({ ...request, body: await request.readAll() })
        request.answer('200 OK', {
          etag: '"e1"',
          'x-amz-checksum-crc32c': request.headers['x-amz-checksum-crc32c'] ?? '',
        })
      })
      const slices = [randomBytes(70_000), randomBytes(10), randomBytes(3 * MIB)]
      const sizeBytes = 70_010 + 3 * MIB
      const counted: number[] = []
      const body = held(...slices)
      const crc32c = crc32cOf(slices)
      const part = await send({ body, sizeBytes, onBytes: (bytes) => counted.push(bytes) })
      expect(part).toEqual({ number: 3, sizeBytes, etag: '"e1"', crc32c })
      expect(counted).toEqual([70_000, 10, 3 * MIB])
      expect(seen[0]?.line).toBe('PUT /media/a%20b/c%2Bd.bin?partNumber=3&uploadId=upload~1 HTTP/1.1')
      expect(seen[0]?.headers).toMatchObject({
        'content-length': String(sizeBytes),
        'x-amz-checksum-crc32c': crc32c,
        'x-amz-sdk-checksum-algorithm': 'CRC32C',
        'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      })
      expect(Object.keys(seen[0]?.headers ?? {})).not.toContain('expect')
      expect(Object.keys(seen[0]?.headers ?? {})).not.toContain('transfer-encoding')
      expect(seen[0]?.body.equals(Buffer.concat(slices))).toBe(true)
    })

    it('goes over the connection of the part before, in either shape', async () => {
      const seen: number[] = []
      for (const capabilities of [ALL, NONE]) {
        const { send } = await setUp(
          async (request) => {
            seen.push(request.nth)
            await accept(request)
          },
          { capabilities },
        )
        const bytes = randomBytes(3 * MIB)
        await send({ body: held(bytes), sizeBytes: bytes.length })
        await send({ body: reusing(bytes, MIB), sizeBytes: bytes.length })
        await send({ body: reusing(bytes, 100_000), sizeBytes: bytes.length })
        await send({ body: held(bytes), sizeBytes: bytes.length })
      }
      expect(seen).toEqual([0, 1, 2, 3, 0, 1, 2, 3])
    })

    it('has no checksum headers where the store does not take them', async () => {
      let headers: Readonly<Record<string, string>> = {}
      const { send } = await setUp(
        async (request) => {
          headers = request.headers
          await accept(request)
        },
        { capabilities: NONE },
      )
      const part = await send({ body: held(Buffer.from('abc')), sizeBytes: 3 })
      expect(part.crc32c).toBe(crc32cOf([Buffer.from('abc')]))
      expect(Object.keys(headers).filter((name) => /checksum|trailer|content-encoding/.test(name))).toEqual([])
    })

    it('is refused before it is sent where its slices do not add up', async () => {
      const { send, store } = await setUp(accept)
      await expect(send({ body: held(Buffer.from('abc')), sizeBytes: 4 })).rejects.toMatchObject({
        code: 'size_mismatch',
      })
      expect(store.sockets.size).toBe(0)
    })
  })

  describe('a streamed part on the wire', () => {
    for (const tls of [false, true])
      for (const sliceBytes of [700, 20_000, 100_000, MIB])
        it(`is framed with a trailer, from one reused buffer of ${sliceBytes} bytes to a slow reader${tls ? ' over TLS' : ''}`, async () => {
          let headers: Readonly<Record<string, string>> = {}
          let body: Buffer = Buffer.alloc(0)
          const bytes = randomBytes(sliceBytes < MIB ? 2 * MIB + 5 : 12 * MIB + 5)
          const { send } = await setUp(
            async (request) => {
              headers = request.headers
              const pieces: Buffer[] = []
              for (let left = Number(request.headers['content-length']); left > 0; ) {
                const piece = await request.read(Math.min(left, 50_000))
                if (piece.length === 0) return
                left -= piece.length
                pieces.push(Buffer.from(piece))
                for (let turn = 0; turn < 3; turn++) await setImmediate()
              }
              body = Buffer.concat(pieces)
              request.answer('200 OK', { etag: '"e2"' })
            },
            { tls },
          )
          const part = await send({ body: reusing(bytes, sliceBytes), sizeBytes: bytes.length })
          expect(part).toEqual({ number: 3, sizeBytes: bytes.length, etag: '"e2"', crc32c: crc32cOf([bytes]) })
          expect(headers).toMatchObject({
            'content-encoding': 'aws-chunked',
            'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
            'x-amz-decoded-content-length': String(bytes.length),
            'x-amz-trailer': 'x-amz-checksum-crc32c',
          })
          const unframed = unframe(body)
          expect(unframed.bytes.equals(bytes)).toBe(true)
          expect(unframed.trailer).toBe(`x-amz-checksum-crc32c:${crc32cOf([bytes])}\r\n\r\n`)
        })

    it('goes plain with its length where the store takes no trailers', async () => {
      let body: Buffer = Buffer.alloc(0)
      const bytes = randomBytes(500_000)
      const { send } = await setUp(
        async (request) => {
          expect(request.headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
          body = await request.readAll()
          request.answer('200 OK', { etag: '"e"' })
        },
        { capabilities: NONE },
      )
      const part = await send({ body: reusing(bytes, 90_000), sizeBytes: bytes.length })
      expect(body.equals(bytes)).toBe(true)
      expect(part.crc32c).toBe(crc32cOf([bytes]))
    })

    for (const [name, capabilities] of [
      ['framed', ALL],
      ['plain', NONE],
    ] as const)
      it(`breaks the connection of a ${name} body that is too short or too long`, async () => {
        const complete: boolean[] = []
        const { send } = await setUp(
          async (request) => {
            const announced = Number(request.headers['content-length'])
            complete.push((await request.readAll()).length === announced)
          },
          { capabilities },
        )
        for (const sizeBytes of [299_999, 300_001, 200_000]) {
          const failed = send({ body: reusing(randomBytes(300_000), 100_000), sizeBytes })
          await expect(failed).rejects.toMatchObject({ code: 'size_mismatch' })
        }
        await expect.poll(() => complete).toEqual([false, false, false])
      })

    it('may be empty, and is not where bytes come nevertheless', async () => {
      for (const capabilities of [ALL, NONE]) {
        const { send } = await setUp(accept, { capabilities })
        const empty = await send({ body: reusing(Buffer.alloc(0), 10), sizeBytes: 0 })
        expect(empty).toMatchObject({ sizeBytes: 0, crc32c: 'AAAAAA==' })
        const full = send({ body: reusing(Buffer.alloc(9), 10), sizeBytes: 0 })
        await expect(full).rejects.toMatchObject({ code: 'size_mismatch' })
      }
    })

    it('fails with the error of its slices, as it is', async () => {
      const { send } = await setUp(accept)
      const cause = new TransferError('source_truncated', 'The source ended early.', { retry: 'now' })
      const slices = (async function* () {
        yield Buffer.alloc(100_000)
        throw cause
      })()
      await expect(send({ body: { kind: 'streamed', slices }, sizeBytes: 200_000 })).rejects.toBe(cause)
    })
  })

  describe('what a store answers to a part', () => {
    const big = held(...Array.from({ length: 32 }, () => Buffer.alloc(MIB)))

    for (const [name, leave] of [
      ['closes', (request: RawRequest) => request.socket.end()],
      ['resets', (request: RawRequest) => request.socket.destroySoon()],
      ['stays', () => undefined],
    ] as const)
      it(`is read when it is an error in the middle of the body and the store ${name}`, async () => {
        const { send } = await setUp(async (request) => {
          await request.read(100_000)
          request.answer('403 Forbidden', {}, errorBody('AccessDenied'))
          leave(request)
        })
        for (let round = 0; round < 10; round++)
          await expect(send({ body: big, sizeBytes: 32 * MIB })).rejects.toMatchObject({
            code: 'bucket_unauthorized',
            retry: 'never',
            facts: { status: 403, s3Code: 'AccessDenied' },
          })
      })

    it('is no success when it comes before the body was whole', async () => {
      const { send } = await setUp(async (request) => {
        await request.read(100_000)
        request.answer('200 OK', { etag: '"too early"' })
      })
      await expect(send({ body: big, sizeBytes: 32 * MIB })).rejects.toMatchObject({ code: 'bucket_protocol_error' })
    })

    it('has to have an ETag, and the checksum of what was sent', async () => {
      const answers: Record<string, string>[] = [{}, { etag: '"e"', 'x-amz-checksum-crc32c': 'AAAAAA==' }]
      const { send } = await setUp(async (request) => {
        await request.readAll()
        request.answer('200 OK', answers.shift())
      })
      const part = { body: held(Buffer.from('abc')), sizeBytes: 3 }
      await expect(send(part)).rejects.toMatchObject({ code: 'bucket_protocol_error', retry: 'now' })
      await expect(send(part)).rejects.toMatchObject({ code: 'checksum_mismatch', retry: 'now' })
    })

    it('slows us down with the time that Retry-After gives, and shows no secret', async () => {
      const { send } = await setUp(async (request) => {
        await request.readAll()
        request.answer('503 Slow Down', { 'retry-after': '7' }, errorBody('SlowDown'))
      })
      const failure = await send({ body: held(Buffer.from('abc')), sizeBytes: 3 }).catch((error) => error)
      expect(failure).toMatchObject({ code: 'bucket_slow_down', retry: 'now', retryAfterMs: 7000 })
      expect(JSON.stringify([failure, failure.message, String(failure.cause)])).not.toMatch(
        /not-to-be-shown|AKIDEXAMPLE/,
      )
    })

    it('sets our clock once when it says that the clocks differ', async () => {
      const storeDate = new Date(Date.now() + 3 * 3600_000)
      const signedAt: string[] = []
      const { send } = await setUp(async (request) => {
        await request.readAll()
        signedAt.push(request.headers['x-amz-date'] ?? '')
        request.answer('403 Forbidden', { date: storeDate.toUTCString() }, errorBody('RequestTimeTooSkewed'))
      })
      const part = { body: held(Buffer.from('abc')), sizeBytes: 3 }
      await expect(send(part)).rejects.toMatchObject({ code: 'clock_skewed', retry: 'now' })
      await expect(send(part)).rejects.toMatchObject({ code: 'clock_skewed', retry: 'later' })
      expect(signedAt[1]?.slice(0, 11)).toBe(storeDate.toISOString().replace(/[-:]/g, '').slice(0, 11))
    })

    it('may be lost: before the body was taken, and after', async () => {
      const { send } = await setUp(async (request) => {
        if (request.line.includes('partNumber=1&')) await request.read(50_000)
        else await request.readAll()
        request.socket.resetAndDestroy()
      })
      const part = { body: held(Buffer.alloc(4 * MIB)), sizeBytes: 4 * MIB }
      for (const number of [1, 2])
        await expect(send({ ...part, number })).rejects.toMatchObject({ code: 'bucket_unreachable', retry: 'now' })
    })
  })

  describe('silence and aborts', () => {
    it('gives up when the store takes no bytes, and when it never answers', async () => {
      const { send } = await setUp(
        async (request) => {
          if (request.line.includes('partNumber=1&')) await once(request.socket, 'close')
          await request.readAll()
        },
        { idleTimeoutMs: 100 },
      )
      const big = { body: held(...Array.from({ length: 48 }, () => Buffer.alloc(MIB))), sizeBytes: 48 * MIB }
      await expect(send({ ...big, number: 1 })).rejects.toMatchObject({ code: 'bucket_unreachable', retry: 'now' })
      const small = { body: held(Buffer.alloc(10)), sizeBytes: 10 }
      const empty = { body: held(), sizeBytes: 0 }
      await expect(send({ ...empty, number: 3 })).rejects.toMatchObject({ code: 'bucket_unreachable', retry: 'now' })
      await expect(send({ ...small, number: 2 })).rejects.toMatchObject({ code: 'bucket_unreachable', retry: 'now' })
    })

    it('waits for a source that is slower than the idle timeout', async () => {
      const { send } = await setUp(accept, { idleTimeoutMs: 50 })
      const slices = (async function* () {
        yield Buffer.alloc(100_000)
        await new Promise((resolve) => setTimeout(resolve, 300))
        yield Buffer.alloc(100_000)
      })()
      expect(await send({ body: { kind: 'streamed', slices }, sizeBytes: 200_000 })).toMatchObject({ etag: '"e"' })
    })

    it('destroys the connection when aborted, and rejects with the reason', async () => {
      const controller = new AbortController()
      const reason = new Error('cancelled by the user')
      let closed: Promise<unknown> = Promise.resolve()
      const { send } = await setUp(async (request) => {
        closed = once(request.socket, 'close')
        await request.read(50_000)
        controller.abort(reason)
        request.socket.resume()
      })
      const part = { body: held(...Array.from({ length: 32 }, () => Buffer.alloc(MIB))), sizeBytes: 32 * MIB }
      await expect(send({ ...part, signal: controller.signal })).rejects.toBe(reason)
      await closed
      await expect(send({ ...part, signal: controller.signal })).rejects.toBe(reason)
    })
  })
})
