import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KNOWN_ANSWERS, REFUSED_ANSWERS } from './testing/known-answers.ts'
import { parsePieces } from './testing/parse-pieces.ts'

/** 2,000 cases in `npm test`; a longer run sets the number, a repeated one the seed. */
const CASES = Number(process.env.SLUICE_FUZZ_CASES ?? 2000)
const SEED = Number(process.env.SLUICE_FUZZ_SEED ?? Date.now() % 2 ** 31)
const run = { numRuns: CASES / 2, seed: SEED }
// biome-ignore lint/suspicious/noConsole: whoever sees a failure needs the seed.
console.info(`response-parser: SLUICE_FUZZ_SEED=${SEED} SLUICE_FUZZ_CASES=${CASES}`)

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
const char = (from: string) => fc.constantFrom(...from)
const latin1 = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const fieldName = fc.string({ unit: char(TOKEN), minLength: 1, maxLength: 20 }).map((name) => `x-${name}`)
const fieldValue = latin1(0, 60).map((text) => text.replace(/[^\x20-\x7e\x80-\xff]/g, '').trim())
const field = fc.tuple(fieldName, fieldValue)
const blanks = fc.constantFrom('', ' ', '  ', '\t ')

/** A right answer and what it says. */
const answer = fc
  .record({
    statusCode: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
    reason: fc.constantFrom('', ' ', ' OK', ' Not \xe4 known'),
    interim: fc.array(fc.constantFrom(100, 102, 103), { maxLength: 3 }),
    fields: fc.array(field, { maxLength: 20 }),
    padding: fc.tuple(blanks, blanks),
    kind: fc.constantFrom('length' as const, 'chunked' as const, 'close' as const),
    pieces: fc.array(latin1(1, 200), { maxLength: 8 }),
    extension: fc.constantFrom('', ';a', ';a=1;b="x y"'),
    trailers: fc.array(field, { maxLength: 3 }),
    rest: latin1(0, 5),
  })
  .map((model) => {
    const body = model.pieces.join('')
    const write = ([name, value]: [string, string]) => `${name}:${model.padding[0]}${value}${model.padding[1]}\r\n`
    const framing: [string, string][] =
      model.kind === 'length'
        ? [['Content-Length', String(body.length)]]
        : model.kind === 'chunked'
          ? [['Transfer-Encoding', 'chunked']]
          : []
    const chunks = model.pieces.map((piece) => `${piece.length.toString(16)}${model.extension}\r\n${piece}\r\n`)
    const coded = model.kind === 'chunked' ? `${chunks.join('')}0\r\n${model.trailers.map(write).join('')}\r\n` : body
    const interim = model.interim.map((status) => `HTTP/1.1 ${status} x\r\nX-Y: z\r\n\r\n`).join('')
    const head = `HTTP/1.1 ${model.statusCode}${model.reason}\r\n${[...model.fields, ...framing].map(write).join('')}\r\n`
    return { ...model, body, text: interim + head + coded + (model.kind === 'close' ? '' : model.rest) }
  })

/** Cuts as fractions of the length, so that they stay useful while a case shrinks. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
const cutsIn = (fractions: readonly number[], length: number) =>
  [...new Set(fractions.map((fraction) => Math.floor(fraction * length)))].sort((a, b) => a - b)

test('whatever a right answer looks like and however it is cut, it says the same', () => {
  fc.assert(
    fc.property(answer, cuts, (model, fractions) => {
      const bytes = Buffer.from(model.text, 'latin1')
      const outcome = parsePieces(bytes, cutsIn(fractions, bytes.length))
      expect(outcome).toMatchObject({ statusCode: model.statusCode, body: model.body, ended: 'end' })
      expect(outcome.restBytes).toBe(model.kind === 'close' ? 0 : model.rest.length)
      for (const [name, value] of model.fields) {
        const got = outcome.headers[name.toLowerCase()]
        if (Array.isArray(got)) expect(got).toContain(value)
        else expect(got).toBe(value)
      }
    }),
    run,
  )
})

const seeds = [...KNOWN_ANSWERS.map(({ text }) => text), ...REFUSED_ANSWERS.map(([, text]) => text)]
  .filter((text) => text.length < 3000)
  .map((text) => Buffer.from(text, 'latin1'))
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.integer({ min: 0, max: 3 }),
  insert: fc.oneof(
    latin1(0, 3),
    fc.constantFrom('\r\n', '\n', '\r', '\r\n\r\n', '0\r\n\r\n', ';', 'Content-Length: 3\r\n', ' ', '\0', 'ffffffff'),
  ),
})

test('whatever is broken in an answer, it is read or refused, the same however it is cut, and never more than came', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(change, { minLength: 1, maxLength: 5 }),
      cuts,
      fc.boolean(),
      (seed, changes, fractions, staysOpen) => {
        let bytes = seed
        for (const { at, remove, insert } of changes) {
          const index = Math.floor(at * bytes.length)
          bytes = Buffer.concat([
            bytes.subarray(0, index),
            Buffer.from(insert, 'latin1'),
            bytes.subarray(index + remove),
          ])
        }
        const whole = parsePieces(bytes, [], { staysOpen })
        expect(parsePieces(bytes, cutsIn(fractions, bytes.length), { staysOpen })).toEqual(whole)
        expect(whole.body.length + whole.restBytes).toBeLessThanOrEqual(bytes.length)
        if (!staysOpen) expect(whole.ended).not.toBe('unfinished')
      },
    ),
    run,
  )
})
