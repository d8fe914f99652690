import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import { crc32cOf } from './crc32c.ts'
import { createPartSender } from './send-part.ts'
import { ALL, accept, CONNECTION, createSenderSetUp, held, NONE, PART, reusing } from './testing/sender-fixture.ts'

const MIB = 1024 * 1024

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

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  const setUp = createSenderSetUp(httpClient)

  describe('a held part on the wire', () => {
    it('correctness 38: has its length and its checksum in headers, its slices in order, and no Expect', async () => {
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

    it('counts as sent although the store answers at once, over TLS too', async () => {
      for (const tls of [false, true]) {
        const { send } = await setUp(accept, { tls })
        const body = held(...Array.from({ length: 3 }, () => randomBytes(MIB)))
        for (let round = 0; round < 40; round++) {
          const part = await send({ body, sizeBytes: 3 * MIB })
          expect(part).toMatchObject({ etag: '"e"' })
        }
      }
    })
  })

  it('ends with a piece that no client has to wait for, or the answer would come while it waits', async () => {
    const pieces: number[] = []
    const send = createPartSender({
      connection: { ...CONNECTION, endpoint: 'http://127.0.0.1:1' },
      capabilities: ALL,
      carrier: {
        async put({ body }) {
          for await (const piece of body ?? []) pieces.push(piece.length)
          return { statusCode: 200, headers: { etag: '"e"' }, text: '' }
        },
        close: () => undefined,
      },
      clock: { now: () => new Date(), correct: () => false },
      idleTimeoutMs: 1000,
    })
    await send({ ...PART, body: held(Buffer.alloc(MIB), Buffer.alloc(MIB)), sizeBytes: 2 * MIB })
    expect(pieces.at(-1)).toBeLessThan(16 * 1024)
    expect(pieces.reduce((sum, bytes) => sum + bytes)).toBe(2 * MIB)
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
})
