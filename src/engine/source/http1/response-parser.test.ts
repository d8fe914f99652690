import { describe, expect, test } from 'vitest'
import { KNOWN_ANSWERS, REFUSED_ANSWERS } from './testing/known-answers.ts'
import { parsePieces } from './testing/parse-pieces.ts'

const bytesOf = (text: string) => Buffer.from(text, 'latin1')
const everyByte = (bytes: Buffer) => Array.from({ length: Math.max(0, bytes.length - 1) }, (_, index) => index + 1)

describe.each(KNOWN_ANSWERS)('$name', ({ text, statusCode, body, headers, keepsConnection }) => {
  const bytes = bytesOf(text)

  test('is understood', () => {
    const outcome = parsePieces(bytes, [])
    expect(outcome).toMatchObject({ statusCode, body, headers, keepsConnection, ended: 'end', restBytes: 0 })
  })

  test('is understood alike, wherever it is cut', () => {
    const whole = parsePieces(bytes, [])
    expect(parsePieces(bytes, everyByte(bytes))).toEqual(whole)
    for (const cut of everyByte(bytes)) expect(parsePieces(bytes, [cut])).toEqual(whole)
  })

  test('is never taken for whole where its end is missing', () => {
    for (const length of [0, ...everyByte(bytes)]) {
      const { ended, restBytes, body: got } = parsePieces(bytes.subarray(0, length), [])
      const isByClose = body !== '' && !keepsConnection && !text.includes('Content-Length') && !text.includes('chunked')
      if (isByClose && length >= text.indexOf('\r\n\r\n') + 4) expect(ended).toBe('end')
      else expect([ended, restBytes]).toEqual([expect.stringMatching(/CLOSED|TRUNCATED/), 0])
      expect(body.startsWith(got)).toBe(true)
    }
  })

  test('shows what comes behind it', () => {
    const more = Buffer.concat([bytes, bytesOf('HTTP/1.1 200 OK\r\n')])
    const isByClose = parsePieces(more, [], { staysOpen: true }).ended === 'unfinished'
    expect(parsePieces(more, []).restBytes).toBe(isByClose ? 0 : 17)
  })
})

describe('what is refused', () => {
  test.each(REFUSED_ANSWERS)('%s', (_name, text, code) => {
    const bytes = bytesOf(text)
    const refused = parsePieces(bytes, [], { staysOpen: true })
    expect(refused.ended).toBe(`HTTP1_${code}`)
    // Byte by byte the same, without waiting for more; long ones in odd steps.
    const step = bytes.length > 5000 ? 997 : 1
    const cuts = everyByte(bytes).filter((cut) => cut % step === 0)
    expect(parsePieces(bytes, cuts, { staysOpen: true })).toEqual(refused)
  })

  test('another protocol is refused at its first wrong byte, since its server may wait for us to speak', () => {
    expect(parsePieces(bytesOf('HTTQ'), [], { staysOpen: true }).ended).toBe('HTTP1_MALFORMED')
    expect(parsePieces(bytesOf('HTTP/1.'), [], { staysOpen: true }).ended).toBe('unfinished')
  })
})

describe('bounds', () => {
  test('a hundred headers and 60,000 bytes of them pass', () => {
    const fields = Array.from({ length: 100 }, (_, n) => `X-${n}: ${'a'.repeat(590)}\r\n`).join('')
    const outcome = parsePieces(bytesOf(`HTTP/1.1 204 OK\r\n${fields}\r\n`), [])
    expect(outcome.ended).toBe('end')
    expect(Object.keys(outcome.headers)).toHaveLength(100)
  })

  test('a header named __proto__ is a header', () => {
    const { headers } = parsePieces(bytesOf('HTTP/1.1 204 OK\r\n__proto__: a\r\n__proto__: b\r\n\r\n'), [])
    expect(Object.entries(headers)).toEqual([['__proto__', ['a', 'b']]])
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  })
})

test('an answer to HEAD has no body, whatever it says', () => {
  for (const field of ['Content-Length: 10', 'Transfer-Encoding: chunked', 'X: y']) {
    const bytes = bytesOf(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`)
    expect(parsePieces(bytes, [], { method: 'HEAD', staysOpen: true })).toMatchObject({ ended: 'end', body: '' })
  }
})

test('a connection is kept unless the answer says otherwise', () => {
  const keeps = (text: string) => parsePieces(bytesOf(`${text}Content-Length: 0\r\n\r\n`), []).keepsConnection
  expect(keeps('HTTP/1.1 200 OK\r\n')).toBe(true)
  expect(keeps('HTTP/1.1 200 OK\r\nConnection: close\r\n')).toBe(false)
  expect(keeps('HTTP/1.1 200 OK\r\nConnection: x, Close\r\n')).toBe(false)
  expect(keeps('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n')).toBe(false)
  expect(keeps('HTTP/1.0 200 OK\r\n')).toBe(false)
  expect(keeps('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n')).toBe(true)
})
