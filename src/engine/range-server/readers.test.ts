import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

describe('many readers of one file', () => {
  test('1,000 at once cost the origin one fetch a slice, and memory that does not follow their number (B1)', async () => {
    // Small slices: the number of readers is what counts here.
    const slice = 4096
    fixture = await openRangeFixture({ settings: { sliceSizeBytes: slice } })
    const size = 8 * slice
    fixture.serve('/a', { sizeBytes: size, headDelayMs: 20 })
    let peakBytes = 0
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, fixture.figures().fetchingBytes)
    }, 5)
    const whole = patternBytes(0, size)
    const one = async (reader: number) => {
      const start = (reader % 8) * slice
      const { body, isCut } = await fixture.get('/a', reader % 2 ? { range: `bytes=${start}-` } : {})
      return !isCut && body.equals(reader % 2 ? whole.subarray(start) : whole)
    }
    const right = await Promise.all(Array.from({ length: 1000 }, (_, reader) => one(reader)))
    clearInterval(watch)
    expect(right.filter(Boolean)).toHaveLength(1000)
    expect(fixture.figures().counters.originBytes).toBe(size)
    expect(peakBytes).toBeLessThanOrEqual(size)
    expect(fixture.figures()).toMatchObject({ fetchingBytes: 0, originRequests: 0, queueDepth: [0, 0, 0, 0] })
  }, 60_000)

  test('when all but one go away, the fetch goes on for the one', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: 4 * SLICE, headDelayMs: 50 })
    const stays = fixture.get('/a')
    const leaving = Array.from({ length: 20 }, () => connect(fixture.port, '127.0.0.1'))
    for (const socket of leaving) socket.write('GET /o/files/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await fixture.hostile.until(() => fixture.hostile.requests('/a').length >= 1)
    for (const socket of leaving) socket.destroy()
    expect((await stays).body.equals(patternBytes(0, 4 * SLICE))).toBe(true)
    expect(fixture.figures().counters.abortedFetches).toBe(0)
  })

  test('when the last one goes away, the request to the origin is ended', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { sizeBytes: 4 * SLICE, breakAfterBytes: 0, breakBy: 'stall' })
    const sockets = Array.from({ length: 3 }, () => connect(fixture.port, '127.0.0.1'))
    for (const socket of sockets) socket.write('GET /o/files/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    while (fixture.figures().fetchingBytes === 0) await delay(2)
    for (const socket of sockets) socket.destroy()
    await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
    expect(fixture.figures().origins[0]).toMatchObject({ errors: 0 })
  })
})

describe('a reader that stands still', () => {
  test('holds back nobody else, and the origin is not read on for it', async () => {
    fixture = await openRangeFixture({ maxSlices: 16 })
    const size = 2048 * SLICE
    fixture.serve('/a', { sizeBytes: size })
    const stalled = await fixture.open('/a', { range: 'bytes=0-' })
    stalled.pause()
    await fixture.hostile.until(() => fixture.hostile.requests('/a').every(({ isOpen }) => !isOpen))
    const { body } = await fixture.get('/a', { range: `bytes=${1000 * SLICE}-${1000 * SLICE + 99}` })
    expect(body.equals(patternBytes(1000 * SLICE, 1000 * SLICE + 100))).toBe(true)
    expect(fixture.hostile.bytesSent('/a')).toBeLessThan(size / 4)
    stalled.destroy()
  })

  test('is cut off after the limit, and all it held is free', async () => {
    fixture = await openRangeFixture({ settings: { stallMs: 50 } })
    fixture.serve('/a', { sizeBytes: 2048 * SLICE })
    const stalled = await fixture.open('/a')
    stalled.pause()
    stalled.on('error', () => undefined)
    while ((fixture.figures().origins[0]?.activeReaders ?? 1) > 0) await delay(10)
    expect(fixture.figures().origins[0]).toMatchObject({ aborts: 1, errors: 0 })
    stalled.destroy()
  })

  test('is cut off too where what it asked for was one slice in memory, and one that takes it is not', async () => {
    // More than the sockets of both sides take, so that the rest of it is held for the reader.
    const slice = 16 * 1024 * 1024
    fixture = await openRangeFixture({ settings: { stallMs: 1_000, sliceSizeBytes: slice, turnBytes: 2 * slice } })
    fixture.serve('/a', { sizeBytes: slice })
    expect((await fixture.get('/a')).headers['cache-status']).toMatch(/miss/)
    const stalled = await fixture.open('/a')
    expect(stalled.headers['cache-status']).toMatch(/hit/)
    stalled.pause()
    const aborts = () => fixture.figures().origins[0]?.aborts ?? 0
    const before = aborts()
    while (aborts() === before) await delay(10)
    const cut = new Promise((resolve) => stalled.once('error', resolve))
    stalled.resume()
    expect(await cut).toMatchObject({ code: 'ECONNRESET' })
    expect((await fixture.get('/a')).body.equals(patternBytes(0, slice))).toBe(true)
  })

  test('that goes on gets every byte', async () => {
    fixture = await openRangeFixture({ maxSlices: 4 })
    const size = 200 * SLICE
    fixture.serve('/a', { sizeBytes: size })
    const response = await fixture.open('/a')
    const chunks: Buffer[] = []
    for await (const chunk of response) {
      chunks.push(chunk as Buffer)
      if (chunks.length % 50 === 0) await delay(1)
    }
    expect(Buffer.concat(chunks).equals(patternBytes(0, size))).toBe(true)
  })
})

test('readers of big files take turns, and each gets every byte', async () => {
  // One byte a turn: after its first piece everybody waits for the others.
  fixture = await openRangeFixture({ settings: { turnBytes: 1, sliceSizeBytes: 1024 * 1024 } })
  const size = 3 * 1024 * 1024 + 17
  fixture.serve('/a', { sizeBytes: size })
  const whole = patternBytes(0, size)
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => fixture.get('/a')),
    fixture.get('/a', { range: 'bytes=1048570-3000000' }),
    fixture.get('/a', { range: 'bytes=0-99' }),
  ])
  for (const { body } of answers.slice(0, 8)) expect(body.equals(whole)).toBe(true)
  expect(answers[8]?.body.equals(whole.subarray(1_048_570, 3_000_001))).toBe(true)
  expect(answers[9]?.body.equals(whole.subarray(0, 100))).toBe(true)
  const warm = await Promise.all([1, 2, 3].map(() => fixture.get('/a', { range: 'bytes=0-1048575' })))
  for (const { body } of warm) expect(body.equals(whole.subarray(0, 1_048_576))).toBe(true)
  const parts = await fixture.get('/a', { range: 'bytes=0-500000,2000000-2500000' })
  expect(parts.body.includes(whole.subarray(2_000_000, 2_500_001))).toBe(true)
})

describe('the limits of an engine', () => {
  test('what readers of files that nobody may keep hold ahead is bounded over all of them, and given back', async () => {
    const slice = 4 * 1024 * 1024
    fixture = await openRangeFixture({ settings: { sliceSizeBytes: slice } })
    fixture.serve('/a', { sizeBytes: 5 * slice, headers: { 'cache-control': 'no-store' } })
    // Heads alone are read: each has its first slice, and three more ahead as long as 64 MiB are not full.
    const readers = await Promise.all(Array.from({ length: 8 }, () => fixture.open('/a')))
    const { ownAhead } = fixture.service.pool
    expect(ownAhead.bytes).toBeGreaterThan(0)
    expect(ownAhead.bytes).toBeLessThanOrEqual(64 * 1024 * 1024)
    for (const reader of readers.slice(1)) reader.destroy()
    let lengthBytes = 0
    for await (const chunk of readers[0] as AsyncIterable<Buffer>) lengthBytes += chunk.byteLength
    expect(lengthBytes).toBe(5 * slice)
    await expect.poll(() => ownAhead.bytes, { timeout: 30_000 }).toBe(0)
  })

  test('what does not fit the queue is told to come again (B2)', async () => {
    fixture = await openRangeFixture({ settings: { maxOriginRequests: 1, maxQueued: 2, prefetchSlices: 0 } })
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const name of names) fixture.serve(`/${name}`, { sizeBytes: 10, after: fixture.arrived(names.length) })
    const answers = await Promise.all(names.map((name) => fixture.get(`/${name}`)))
    const refused = answers.filter(({ status }) => status === 503)
    expect(refused.length).toBeGreaterThan(0)
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
    for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    expect(fixture.hostile.peakRequests()).toBe(1)
  })

  test('no more requests to an origin than it has lanes of its own', async () => {
    fixture = await openRangeFixture({ origin: { lanes: 2 } })
    for (let file = 0; file < 12; file++) fixture.serve(`/${file}`, { sizeBytes: 10, headDelayMs: 5 })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, file) => fixture.get(`/${file}`)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(fixture.hostile.peakRequests()).toBeLessThanOrEqual(2)
  })

  test('a purge of everything while readers read harms none of them', async () => {
    fixture = await openRangeFixture()
    const size = 16 * SLICE
    fixture.serve('/a', { sizeBytes: size, headDelayMs: 1 })
    let isOver = false
    const purging = (async () => {
      for (let purges = 0; purges < 100 && !isOver; purges++) {
        await fixture.service.purge('all')
        await delay(2)
      }
    })()
    const answers = await Promise.all(Array.from({ length: 30 }, () => fixture.get('/a')))
    isOver = true
    await purging
    for (const { body } of answers) expect(body.equals(patternBytes(0, size))).toBe(true)
  })

  test.each(['before its head', 'in its body'])(
    'nothing that was on its way when a purge came is kept: %s',
    async (when) => {
      fixture = await openRangeFixture()
      const gate = Promise.withResolvers<void>()
      const isBefore = when === 'before its head'
      fixture.serve('/a', ({ index }) => {
        if (index > 0 || isBefore) return { sizeBytes: 2 * SLICE, after: gate.promise }
        return { sizeBytes: 2 * SLICE, breakAfterBytes: 100, breakBy: 'reset' }
      })
      const reading = fixture.get('/a')
      await fixture.hostile.until(() => fixture.hostile.requests('/a').length === (isBefore ? 1 : 2))
      await fixture.service.purge('all')
      gate.resolve()
      expect((await reading).body.equals(patternBytes(0, 2 * SLICE))).toBe(true)
      expect(fixture.cache.slices.size).toBe(0)
    },
  )
})

test('a connection is used again after an answer, and closed when it has been idle', async () => {
  fixture = await openRangeFixture({ settings: { stallMs: 60_000 }, keepAliveMs: 100 })
  fixture.serve('/a', { sizeBytes: 3 * SLICE })
  const socket = connect(fixture.port, '127.0.0.1')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.byteLength
  })
  for (const answers of [1, 2]) {
    socket.write('GET /o/files/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    while (bytes < answers * 3 * SLICE) await delay(5)
  }
  await closed
  expect(bytes).toBeGreaterThan(6 * SLICE)
})
