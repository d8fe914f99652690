import { request as httpRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import type { HostileAnswer } from '../testing/hostile-behaviour.ts'
import { seededRandom } from '../testing/seeded-random.ts'
import {
  EVERY_SWITCH,
  openRangeFixture,
  type RangeFixture,
  TEST_SLICE_BYTES as SLICE,
} from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const SIZE = 12 * SLICE + 77
const WISHES = ['', '', '', 'no-cache', 'max-age=0', 'max-age=5', 'min-fresh=9', 'no-store', 'only-if-cached']
const KEEPS = ['max-age=60', 'max-age=0', 'no-cache', 'max-age=0, stale-while-revalidate=9', 'no-store', 'private']
const FAILURES: readonly HostileAnswer[] = [
  { status: 500 },
  { status: 503, headers: { 'retry-after': '0' } },
  { status: 403 },
  { status: 404 },
  { sizeBytes: SIZE, breakAfterBytes: SLICE + 5, breakBy: 'reset' },
  { sizeBytes: SIZE, breakAfterBytes: 0, breakBy: 'end' },
  { sizeBytes: SIZE, ranges: 'ignored' },
  { sizeBytes: SIZE, ranges: 'wrong-start' },
  { raw: 'x' },
]

test.each(EVERY_SWITCH.map(([name, features], at) => ({ name, features, seed: at + 1 })))(
  'whatever readers ask for, leave, and the origin does: whole answers are right, and nothing is held after ($name, seed $seed)',
  async ({ features, seed }) => {
    const random = seededRandom(seed)
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
    fixture = await openRangeFixture({
      maxSlices: 6,
      features,
      origin: { ttlSeconds: null },
      settings: { breakerFailures: 1_000, sliceRetries: 1 },
    })
    let version = 1
    let isHonest = false
    fixture.serve('/a', () => {
      if (isHonest) return { sizeBytes: SIZE, seed: version, etag: `"${version}"` }
      if (random() < 0.04) version++
      const headers = { 'cache-control': pick(KEEPS) }
      const answer: HostileAnswer = random() < 0.15 ? pick(FAILURES) : { sizeBytes: SIZE }
      return { ...answer, seed: version, etag: `"${version}"`, headers: { ...headers, ...answer.headers } }
    })
    const statuses = new Set<number>()
    const read = async () => {
      const start = Math.floor(random() * SIZE)
      const end = Math.min(SIZE, start + 1 + Math.floor(random() * 5 * SLICE))
      const headers: Record<string, string> = {}
      const wish = pick(WISHES)
      if (wish) headers['cache-control'] = wish
      if (random() < 0.7)
        headers.range = pick([`bytes=${start}-${end - 1}`, `bytes=${start}-`, 'bytes=0-9,90000-90009'])
      if (random() < 0.1) headers['if-none-match'] = `"${version}"`
      const leaveAfterMs = random() < 0.3 ? random() * 20 : null
      const answer = await get(fixture.port, random() < 0.1 ? 'HEAD' : 'GET', headers, leaveAfterMs)
      if (!answer) return
      statuses.add(answer.status)
      if (answer.status === 200 && answer.body) {
        const of = Number(/\d+/.exec(answer.etag)?.[0])
        expect(answer.body.equals(patternBytes(0, SIZE, of)), `a whole answer of version ${of}`).toBe(true)
      }
      const range = /^bytes (\d+)-(\d+)\//.exec(answer.contentRange)
      if (answer.status === 206 && range && answer.body) {
        const of = Number(/\d+/.exec(answer.etag)?.[0])
        const bytes = patternBytes(Number(range[1]), Number(range[2]) + 1, of)
        expect(answer.body.equals(bytes), `${range[0]} of version ${of}`).toBe(true)
      }
    }
    for (let round = 0; round < 6; round++) {
      await Promise.all(Array.from({ length: 12 }, read))
      if (round % 3 === 2) await fixture.service.purge('all')
    }
    expect([...statuses]).toEqual(expect.arrayContaining([200, 206]))
    // All who left have let go, and nothing that was begun for them goes on.
    await expect
      .poll(() => fixture.figures(), { timeout: 30_000 })
      .toMatchObject({ originRequests: 0, fetchingBytes: 0, queueDepth: [0, 0, 0, 0], origins: [{ activeReaders: 0 }] })
    isHonest = true
    await fixture.service.purge('all')
    const last = await get(fixture.port, 'GET', {}, null)
    expect(last?.body?.equals(patternBytes(0, SIZE, version))).toBe(true)
  },
  120_000,
)

interface Answer {
  readonly status: number
  readonly etag: string
  readonly contentRange: string
  /** Null where it was cut, or there is none. */
  readonly body: Buffer | null
}

/** One request; null where the reader left, or had no answer. */
function get(port: number, method: string, headers: Record<string, string>, leaveAfterMs: number | null) {
  return new Promise<Answer | null>((resolve) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/o/files/a', method, headers }, async (response) => {
      const chunks: Buffer[] = []
      const { statusCode = 0, headers: got } = response
      const head = { status: statusCode, etag: got.etag ?? '', contentRange: got['content-range'] ?? '' }
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer)
        resolve({ ...head, body: method === 'HEAD' ? null : Buffer.concat(chunks) })
      } catch {
        resolve({ ...head, body: null })
      }
    })
    request.on('error', () => resolve(null)).end()
    if (leaveAfterMs !== null) void delay(leaveAfterMs).then(() => request.destroy())
  })
}
