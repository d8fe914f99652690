import { expect, test } from 'vitest'
import { Connection } from '../../source/http1/connection.ts'
import type { ConnectionPool, Waiter } from '../../source/http1/connection-pool.ts'
import { CutSocket } from '../../source/http1/testing/cut-socket.ts'
import { KNOWN_ANSWERS, REFUSED_ANSWERS } from '../../source/http1/testing/known-answers.ts'
import { parsePieces } from '../../source/http1/testing/parse-pieces.ts'
import { everyByte, randomCuts } from '../../source/http1/testing/random-cuts.ts'
import { seededRandom } from '../../testing/seeded-random.ts'
import { LeanPut } from './lean-put.ts'

const SEED = Number(process.env.SLUICE_FUZZ_SEED ?? 24)
const HEAD = 'PUT / HTTP/1.1\r\n\r\n'
const PIECE = Buffer.alloc(70_000)
const PIECES = 3
const SHORT_BYTES = 600

const inWords = (status: string, text: string) =>
  Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)

const answers: { name: string; bytes: Buffer }[] = [
  ...KNOWN_ANSWERS.map(({ name, text }) => ({ name, bytes: Buffer.from(text, 'latin1') })),
  ...REFUSED_ANSWERS.map(([name, text]) => ({ name, bytes: Buffer.from(text, 'latin1') })),
  {
    name: 'an error in another script',
    bytes: inWords('403 Forbidden', '<Message>拒絶されました – żółć 🔒</Message>'),
  },
  { name: 'a success', bytes: inWords('200 OK', '') },
]

/**
 * Sends a PUT, and has it answered once so many bytes of its body have left. Says what came of it, and whether the connection can be
 * used again.
 */
async function put(answer: Buffer, cuts: readonly number[], afterBytes: number, endsWithIt: boolean) {
  let isFree = false
  const onFree = () => {
    isFree = true
  }
  const connection = new Connection({ onFree, onGone: () => undefined })
  const socket = new CutSocket(connection)
  const pool = { take: (waiter: Waiter) => waiter.onConnection(connection), cancel: () => undefined }
  async function* body() {
    for (let piece = 0; piece < PIECES; piece++) yield PIECE
  }
  const request = {
    ...{ origin: 'http://127.0.0.1', path: '/', headers: { 'content-length': String(PIECES * PIECE.length) } },
    ...{ body: body(), signal: new AbortController().signal },
  }
  const sending = new LeanPut(pool as Partial<ConnectionPool> as ConnectionPool, HEAD, request).answer.then(
    ({ statusCode, text }) => ({ statusCode, text }),
    (error: { code: string }) => error.code,
  )
  while (socket.writtenBytes < HEAD.length + afterBytes) await new Promise((resolve) => setImmediate(resolve))
  // The kernel tells later that it has the last of the body.
  if (afterBytes === PIECES * PIECE.length)
    while (socket.pendingWrites > 0) await new Promise((resolve) => setImmediate(resolve))
  await socket.receive(answer, cuts, endsWithIt)
  const outcome = await sending
  return { outcome, isFree, isDestroyed: socket.isDestroyed }
}

/** What a caller has to be told of an answer: an error with as much of its text as came, a success without, or what is wrong. */
function expectedOf(answer: Buffer) {
  const { statusCode, body, ended, keepsConnection } = parsePieces(answer, [], { method: 'PUT' })
  const isRead = ended === 'end'
  const text = Buffer.from(body, 'latin1').toString('utf8')
  const isSuccess = statusCode !== null && statusCode >= 200 && statusCode < 300
  return { statusCode, text: isSuccess ? '' : text, ended, isSuccess, isRead, keepsConnection }
}

test.each(answers)('$name: an answer to a whole part says the same, however it is cut', async ({ bytes }) => {
  const { statusCode, text, ended, isSuccess, isRead, keepsConnection } = expectedOf(bytes)
  const random = seededRandom(SEED)
  const isShort = bytes.length <= SHORT_BYTES
  const ways = [
    [],
    ...(isShort
      ? [
          everyByte(bytes.length),
          ...everyByte(bytes.length)
            .filter((cut) => cut % 7 === 0)
            .map((cut) => [cut]),
        ]
      : []),
    ...Array.from({ length: 20 }, () => randomCuts(random, bytes.length, 12)),
  ]
  for (const cuts of ways) {
    const seen = await put(bytes, cuts, PIECES * PIECE.length, isRead && !keepsConnection)
    if (isRead)
      expect(seen).toEqual({ outcome: { statusCode, text }, isFree: keepsConnection, isDestroyed: !keepsConnection })
    else {
      // Behind the head of an error a broken answer says no more than that; a head that is refused is none.
      if (typeof seen.outcome === 'string') expect(seen.outcome).toBe(ended)
      else expect([seen.outcome, isSuccess]).toEqual([{ statusCode, text }, false])
      expect(seen).toMatchObject({ isFree: false, isDestroyed: true })
    }
  }
})

test('an error in the middle of a part ends it with the whole text, however it is cut, and the connection is used no more', async () => {
  const random = seededRandom(SEED)
  const bytes = inWords('403 Forbidden', '<Code>AccessDenied</Code><Message>żółć</Message>')
  const { statusCode, text } = expectedOf(bytes)
  for (let round = 0; round < 60; round++) {
    const cuts = round === 0 ? everyByte(bytes.length) : randomCuts(random, bytes.length, 12)
    const seen = await put(bytes, cuts, Math.floor(random() * PIECE.length), false)
    expect(seen.outcome).toEqual({ statusCode, text })
  }
})
