import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { HTTP_CLIENTS } from '../source/http-client.ts'
import type { RawRequest } from './testing/raw-store.ts'
import { accept, createSenderSetUp, errorBody, held } from './testing/sender-fixture.ts'

const MIB = 1024 * 1024

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  const setUp = createSenderSetUp(httpClient)

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
    it('correctness 39: gives up when the store takes no bytes, and when it never answers', async () => {
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
