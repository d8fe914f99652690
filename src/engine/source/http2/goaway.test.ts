import { afterEach, expect, test } from 'vitest'
import type { HttpExchange } from '../http-transport.ts'
import { get } from '../http1/testing/get.ts'
import { type Arrived, type Http2Fixture, openHttp2Fixture } from './testing/http2-fixture.ts'

// What a server says before it goes (RFC 9113 section 6.8), where several requests share the connection.

let fixture: Http2Fixture
afterEach(() => fixture.close())

const LENGTH = 100_000
const ok = ({ stream }: Arrived) => {
  stream.respond({ ':status': 200, 'content-length': 2 })
  stream.end('ok')
}
/** Sends the head and some of the body, and no more before `finish`. */
const begin = ({ stream }: Arrived) => {
  stream.respond({ ':status': 200, 'content-length': LENGTH })
  stream.write('xxx')
}
const finish = ({ stream }: Arrived) => stream.end(Buffer.alloc(LENGTH - 3, 'x'))
/** Starts a GET; resolves once the server has it. */
async function start(path: string) {
  const before = fixture.arrived.length
  const { promise, resolve } = Promise.withResolvers<HttpExchange>()
  const got = get(fixture.transport, `${fixture.origin}${path}`, { onExchange: resolve })
  await promise
  await expect.poll(() => fixture.arrived.length).toBe(before + 1)
  return { got, request: fixture.arrived[before] as Arrived }
}

test('a GOAWAY that names an older stream: that one goes on, those after it are asked for once more, at once', async () => {
  let last = -1
  fixture = await openHttp2Fixture((request) => {
    // Only what is asked again, on another connection, is answered.
    if (last >= 0) ok(request)
    else if (request.path === '/begun') begin(request)
  })
  const older = await start('/begun')
  // Seven more connections, so that what comes then shares them.
  const others = []
  for (let other = 0; other < 7; other++) others.push(await start('/begun'))
  const newer = []
  for (let more = 0; more < 8; more++) newer.push(await start('/late'))
  const { connection, stream } = older.request
  const after = newer.filter(({ request }) => request.connection === connection)
  expect(after).toHaveLength(1)
  last = stream.id ?? 0
  const before = fixture.arrived.length
  stream.session?.goaway(0, last)
  for (const { got } of after) expect(await got).toMatchObject({ body: 'ok', error: null })
  const again = fixture.arrived.slice(before)
  expect(again).toHaveLength(1)
  expect(again[0]?.connection).not.toBe(connection)
  finish(older.request)
  expect(await older.got).toMatchObject({ error: null })
  for (const { request } of others) finish(request)
  for (const { got } of others) expect((await got).error).toBeNull()
  for (const each of newer)
    if (!after.includes(each)) {
      ok(each.request)
      expect(await each.got).toMatchObject({ body: 'ok', error: null })
    }
  await expect.poll(() => fixture.connections.open).toBeLessThanOrEqual(8)
})

test.each([
  ['for an error', 2],
  ['because we ask too much of it (ENHANCE_YOUR_CALM)', 11],
])('a GOAWAY %s: who has no answer yet is asked for once more, what is cut is told', async (_name, code) => {
  let isGone = false
  fixture = await openHttp2Fixture((request) => {
    if (isGone) ok(request)
    else if (request.path === '/begun') begin(request)
  })
  const begun = await start('/begun')
  const others = []
  for (let other = 0; other < 7; other++) others.push(await start('/begun'))
  const waiting = await start('/late')
  const { connection } = waiting.request
  const cut = [begun, ...others].find(({ request }) => request.connection === connection)
  isGone = true
  waiting.request.stream.session?.goaway(code, waiting.request.stream.id ?? 0)
  expect(await waiting.got).toMatchObject({ body: 'ok', error: null })
  expect((await cut?.got)?.error).toBeInstanceOf(Error)
})
