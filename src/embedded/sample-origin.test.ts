import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SAMPLE_ETAG, SAMPLE_LAST_MODIFIED, SAMPLE_SIZE_BYTES, sampleBytes, sampleSha256 } from './sample-bytes.ts'
import { type SampleOrigin, startSampleOrigin } from './sample-origin.ts'

const MIB = 1024 * 1024
let origin: SampleOrigin
beforeAll(async () => {
  origin = await startSampleOrigin({ bytesPerSecond: 4096 * MIB })
})
afterAll(() => origin.close())

const get = (headers: Record<string, string>, init: RequestInit = {}) => fetch(origin.fileUrl, { ...init, headers })

function expected(start: number, end: number): Buffer {
  const pieces: Uint8Array[] = []
  for (let at = start; at < end; ) {
    const piece = sampleBytes(at, end)
    pieces.push(piece)
    at += piece.byteLength
  }
  return Buffer.concat(pieces)
}

describe('the sample origin', () => {
  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=1-6', 1, 7],
    ['bytes=1048570-1048583', 1048570, 1048584],
    ['bytes=3000001-4000000', 3000001, 4000001],
    ['bytes=268435450-', 268435450, SAMPLE_SIZE_BYTES],
    ['bytes=268435450-999999999999', 268435450, SAMPLE_SIZE_BYTES],
    ['bytes=-5', SAMPLE_SIZE_BYTES - 5, SAMPLE_SIZE_BYTES],
  ])('answers %s with 206, the exact Content-Range and those bytes', async (range, start, end) => {
    const response = await get({ range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${SAMPLE_SIZE_BYTES}`)
    expect(response.headers.get('etag')).toBe(SAMPLE_ETAG)
    expect(response.headers.get('last-modified')).toBe(SAMPLE_LAST_MODIFIED)
    expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), expected(start, end))).toBe(0)
  })

  test.each(['bytes=268435456-', 'bytes=268435456-268435460', 'bytes=-0'])(
    'answers %s with 416 and the size',
    async (range) => {
      const response = await get({ range })
      expect(response.status).toBe(416)
      expect(response.headers.get('content-range')).toBe(`bytes */${SAMPLE_SIZE_BYTES}`)
      await response.text()
    },
  )

  test.each(['bytes=5-1', 'bytes=a-b', 'items=0-1', 'bytes=0-1,5-6'])('sends the whole file for %s', async (range) => {
    const response = await get({ range })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(SAMPLE_SIZE_BYTES))
    await response.body?.cancel()
  })

  test('the whole file has the SHA-256 that is told of it', async () => {
    const hash = createHash('sha256')
    const response = await get({})
    for await (const chunk of response.body ?? []) hash.update(chunk)
    expect(hash.digest('hex')).toBe(sampleSha256())
  })

  test('HEAD tells size, tag and ranges without a body', async () => {
    const response = await get({ range: 'bytes=0-1' }, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(SAMPLE_SIZE_BYTES))
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    expect((await response.arrayBuffer()).byteLength).toBe(0)
  })

  test.each([
    ['the same strong tag', SAMPLE_ETAG, 206],
    ['the same date', SAMPLE_LAST_MODIFIED, 206],
    ['the tag as a weak one', `W/${SAMPLE_ETAG}`, 200],
    ['another tag', '"other"', 200],
  ])('obeys the range under If-Range with %s only if it must', async (_, ifRange, status) => {
    const response = await get({ range: 'bytes=0-3', 'if-range': ifRange })
    expect(response.status).toBe(status)
    await response.body?.cancel()
  })

  test.each([
    ['if-match', '"other"', 412],
    ['if-match', '*', 206],
    ['if-none-match', SAMPLE_ETAG, 304],
    ['if-none-match', '"other"', 206],
    ['if-modified-since', SAMPLE_LAST_MODIFIED, 304],
    ['if-unmodified-since', 'Thu, 01 Jan 2026 00:00:00 GMT', 412],
  ])('judges %s: %s with %i', async (name, value, status) => {
    const response = await get({ range: 'bytes=0-3', [name]: value })
    expect(response.status).toBe(status)
    await response.arrayBuffer()
  })

  test('another path is 404 and another method 405', async () => {
    expect((await fetch(new URL('/other', origin.fileUrl))).status).toBe(404)
    expect((await get({}, { method: 'POST' })).status).toBe(405)
  })

  test('paces all connections together to the rate it was given', async () => {
    const slow = await startSampleOrigin({ bytesPerSecond: 16 * MIB })
    try {
      const started = performance.now()
      const read = async (index: number) => {
        const range = `bytes=${index * 3 * MIB}-${(index + 1) * 3 * MIB - 1}`
        return (await (await fetch(slow.fileUrl, { headers: { range } })).arrayBuffer()).byteLength
      }
      expect(await Promise.all([0, 1, 2, 3].map(read))).toEqual([3 * MIB, 3 * MIB, 3 * MIB, 3 * MIB])
      const seconds = (performance.now() - started) / 1000
      // 12 MiB less the burst of 2 MiB at 16 MiB/s: never faster; how much slower is the machine's affair.
      expect(seconds).toBeGreaterThan(0.6)
    } finally {
      await slow.close()
    }
  })
})
