import { describe, expect, it, vi } from 'vitest'
import { boundedJson, MAX_BODY_BYTES } from './bounded-json.ts'

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  new Request('http://localhost:3000/api/trpc/x', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
const read = (body: BodyInit, headers?: Record<string, string>) => boundedJson(post(body, headers)).json()
const tooLarge = { code: 'PAYLOAD_TOO_LARGE' }

describe('the body of a call', () => {
  it.each(['{}', '[1,2]', '"a[[[{{{,,,\\"["', 'null', '{"a":{"b":[{"c":"\\\\"}]}}'])(
    '%s is read as JSON',
    async (text) => {
      expect(await read(text)).toEqual(JSON.parse(text))
    },
  )

  it('keeps characters whole that come in pieces', async () => {
    const bytes = new TextEncoder().encode('"größe 🌊"')
    const pieces = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]))
        controller.close()
      },
    })
    expect(await read(pieces)).toBe('größe 🌊')
  })

  it.each(['', '{', '"', '"\\', '[1,', 'x'])('%j is no JSON', async (text) => {
    await expect(read(text)).rejects.toThrow(SyntaxError)
  })

  it('is not read where its length is announced and too large', async () => {
    const request = post('{}', { 'content-length': String(MAX_BODY_BYTES + 1) })
    await expect(boundedJson(request).json()).rejects.toMatchObject(tooLarge)
    expect(request.bodyUsed).toBe(false)
  })

  it('is read no further than allowed where its length is not announced', async () => {
    let sentBytes = 0
    const endless = new ReadableStream({
      pull(controller) {
        sentBytes += 1024 * 1024
        controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20))
      },
    })
    await expect(read(endless)).rejects.toMatchObject(tooLarge)
    expect(sentBytes).toBeLessThan(MAX_BODY_BYTES + 4 * 1024 * 1024)
  })

  it.each([
    ['lists in lists', '['.repeat(4_000_000) + ']'.repeat(4_000_000)],
    ['objects in objects', `${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`],
    ['a list of a million', `[${'1,'.repeat(1_000_000)}1]`],
    ['a million empty objects', `[${'{},'.repeat(1_000_000)}{}]`],
  ])('with %s is refused without being taken apart, which would take seconds', async (_, text) => {
    const parse = vi.spyOn(JSON, 'parse')
    await expect(read(text)).rejects.toMatchObject(tooLarge)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  it('with a thousand transfers and long links passes', async () => {
    const item = {
      sourceUrl: `https://a.example/?${'x'.repeat(4000)}`,
      bucketId: 'b',
      sourceHeaders: { a: 'b', c: 'd' },
    }
    const text = JSON.stringify({ json: { items: Array.from({ length: 1000 }, () => item) } })
    expect(await read(text)).toMatchObject({ json: { items: { length: 1000 } } })
  })
})
