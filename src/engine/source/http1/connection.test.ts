import { expect, test } from 'vitest'
import { patternBytes } from '../../testing/byte-pattern.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import type { ResponseHead } from '../http-transport.ts'
import { type AnswerListener, Connection } from './connection.ts'
import { CutSocket } from './testing/cut-socket.ts'
import { KNOWN_ANSWERS, REFUSED_ANSWERS } from './testing/known-answers.ts'
import { parsePieces } from './testing/parse-pieces.ts'
import { everyByte, randomCuts } from './testing/random-cuts.ts'

const SEED = Number(process.env.SLUICE_FUZZ_SEED ?? 24)
/** A larger answer would be cut byte by byte for too long. */
const SHORT_BYTES = 600
const PLACE_BYTES = 64 * 1024

/** What a listener and the owner of the connection were told. */
interface Told {
  readonly statusCode: number | null
  readonly headers: object
  readonly body: string
  readonly ended: string
  readonly isFree: boolean
  readonly isGone: boolean
}

function connect(random: () => number = () => 1) {
  const told = { free: 0, gone: 0 }
  const connection = new Connection({ onFree: () => told.free++, onGone: () => told.gone++ })
  return { connection, socket: new CutSocket(connection, () => random() < 0.3), told }
}

/**
 * Has an answer read by a listener that pauses as it likes, at any chunk, and goes on at once, in a microtask or in a later turn; that
 * gives places for the bytes or does not. Calls while it is paused, and more than one end, are mistakes.
 */
async function read(
  { connection, socket, told }: ReturnType<typeof connect>,
  answer: Buffer,
  cuts: readonly number[],
  random: (() => number) | null,
  endsWithIt: boolean,
): Promise<Told> {
  const body: Buffer[] = []
  let head: ResponseHead | null = null
  let ended = 'unfinished'
  let isPaused = false
  const before = { ...told }
  const takesPlaces = random !== null && random() < 0.5
  const pauseAtTimes = () => {
    const how = random?.() ?? 1
    if (how > 0.6) return
    connection.pause()
    isPaused = true
    const goOn = () => {
      isPaused = false
      connection.resume()
    }
    if (how < 0.2) goOn()
    else if (how < 0.4) queueMicrotask(goOn)
    else setImmediate(goOn)
  }
  const listener: AnswerListener = {
    onHead(latest) {
      expect(head).toBeNull()
      head = latest
      const how = random?.() ?? 0
      if (how < 0.3) connection.resume()
      else if (how < 0.6) queueMicrotask(() => connection.resume())
      else setImmediate(() => connection.resume())
    },
    onData(chunk) {
      expect([isPaused, ended]).toEqual([false, 'unfinished'])
      body.push(Buffer.from(chunk))
      pauseAtTimes()
    },
    onEnd() {
      expect(ended).toBe('unfinished')
      ended = 'end'
    },
    onFailed(error) {
      expect(ended).toBe('unfinished')
      ended = (error as { code: string }).code
    },
    ...(takesPlaces && { place: () => new Uint8Array(PLACE_BYTES) }),
  }
  connection.begin('GET', 'GET / HTTP/1.1\r\n\r\n', false, listener)
  await socket.receive(answer, cuts, endsWithIt)
  // What is held comes in microtasks and turns that the listener has chosen.
  for (let turns = 0; turns < 50 && (isPaused || ended === 'unfinished'); turns++)
    await new Promise((resolve) => setImmediate(resolve))
  const seen = head as ResponseHead | null
  return {
    ...{ statusCode: seen?.statusCode ?? null, headers: { ...seen?.headers }, ended },
    body: Buffer.concat(body).toString('latin1'),
    ...{ isFree: told.free > before.free, isGone: told.gone > before.gone },
  }
}

const large = patternBytes(0, 300_000)
const largeHead = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 300000\r\nConnection: keep-alive\r\n\r\n'
const answers = [
  ...KNOWN_ANSWERS.map(({ name, text }) => ({ name, bytes: Buffer.from(text, 'latin1') })),
  { name: 'a large one, read to its places', bytes: Buffer.concat([Buffer.from(largeHead), large]) },
]

test.each(answers)(
  '$name: is the same however it is cut and wherever it is paused, and the next one on the connection too',
  async ({ bytes }) => {
    const parsed = parsePieces(bytes, [])
    const { statusCode, headers, body, keepsConnection } = parsed
    const expected = { statusCode, headers, body, ended: 'end', isFree: keepsConnection, isGone: !keepsConnection }
    const isShort = bytes.length <= SHORT_BYTES
    for (const cut of isShort ? everyByte(bytes.length) : [])
      expect(await read(connect(), bytes, [cut], null, !keepsConnection)).toEqual(expected)
    const random = seededRandom(SEED)
    for (let round = 0; round < 40; round++) {
      const connected = connect(random)
      const cuts = () =>
        isShort && round % 10 === 0 ? everyByte(bytes.length) : randomCuts(random, bytes.length, 2 + round / 3)
      for (let answer = 1; answer <= (keepsConnection ? 3 : 1); answer++) {
        expect(await read(connected, bytes, cuts(), random, !keepsConnection)).toEqual(expected)
        expect(connected.connection.carriedCount).toBe(keepsConnection ? answer : 0)
      }
    }
  },
)

test.each(REFUSED_ANSWERS)(
  '%s is refused the same, however it is cut, and its connection is destroyed',
  async (_, text) => {
    const bytes = Buffer.from(text, 'latin1')
    const { statusCode, headers, body, ended } = parsePieces(bytes, [], { staysOpen: true })
    const random = seededRandom(SEED)
    for (let round = 0; round < 20; round++) {
      const connected = connect(random)
      const seen = await read(connected, bytes, randomCuts(random, bytes.length, 12), random, false)
      expect(seen).toMatchObject({ body, ended, isFree: false, isGone: true })
      // A head that was refused is not told.
      if (seen.statusCode !== null) expect(seen).toMatchObject({ statusCode, headers })
      expect(connected.socket.isDestroyed).toBe(true)
    }
  },
)

test('an answer whose end is missing is never taken for whole, wherever it is cut off and paused', async () => {
  const random = seededRandom(SEED)
  for (const { bytes } of answers) {
    const { keepsConnection, body } = parsePieces(bytes, [])
    if (!keepsConnection) continue
    for (let round = 0; round < 20; round++) {
      const cut = Math.floor(random() * bytes.length)
      const seen = await read(connect(random), bytes.subarray(0, cut), randomCuts(random, cut, 5), random, true)
      expect(seen).toMatchObject({ ended: expect.stringMatching(/CLOSED|TRUNCATED/), isFree: false, isGone: true })
      expect(body.startsWith(seen.body)).toBe(true)
    }
  }
})
