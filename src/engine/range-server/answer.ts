import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FailureAnswer } from './answer-failure.ts'
import type { ReaderWishes } from './freshness.ts'
import type { OriginService } from './origin-service.ts'
import type { AnswerPlan } from './range-request.ts'
import type { Representation } from './representation.ts'
import type { ServedObject } from './served-object.ts'

/** One request on its way to an answer. */
export interface Reading {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: 'GET' | 'HEAD'
  readonly service: OriginService
  readonly object: ServedObject
  readonly wishes: ReaderWishes
  readonly startedMs: number
  /** Something had to be waited for. */
  hasMissed: boolean
}

/** What the head of an answer says about the cache (RFC 9211). */
const HIT = 'sluice; hit'
const MISS = 'sluice; fwd=miss'

export function cacheStatusOf(reading: Reading): string {
  return reading.hasMissed ? MISS : HIT
}

/** 304, 412, 416, and answers without a body. */
export function sendHeadOnly(reading: Reading, answer: Representation, plan: AnswerPlan): void {
  const { response } = reading
  const head = answer.head(Date.now())
  head.push('cache-status', cacheStatusOf(reading))
  if (plan.status === 416) {
    // The fields of the file describe the file, which this is not.
    response.writeHead(416, [
      'content-range',
      `bytes */${plan.sizeBytes}`,
      'accept-ranges',
      'bytes',
      'content-length',
      '0',
      'cache-control',
      'no-store',
      'x-content-type-options',
      'nosniff',
    ])
  } else if (plan.status === 412) response.writeHead(412, ['content-length', '0', 'cache-control', 'no-store'])
  else if (plan.status === 304) response.writeHead(304, head)
  else {
    if (answer.sizeBytes !== null) head.push('content-length', String(answer.sizeBytes))
    response.writeHead(200, head)
  }
  response.end()
  reading.service.counters.answered(performance.now() - reading.startedMs)
  countOutcome(reading)
}

/** A range of the file, or with null the whole of it. */
export function writeSingleHead(
  reading: Reading,
  answer: Representation,
  sizeBytes: number,
  range: { readonly startByte: number; readonly endByte: number } | null,
): void {
  const head = answer.head(Date.now())
  head.push('cache-status', cacheStatusOf(reading))
  if (range === null) head.push('content-length', String(sizeBytes))
  else {
    head.push('content-length', String(range.endByte - range.startByte))
    head.push('content-range', `bytes ${range.startByte}-${range.endByte - 1}/${sizeBytes}`)
  }
  reading.response.writeHead(range === null ? 200 : 206, head)
}

/** Several ranges in one answer (RFC 9110 section 14.6): what goes before each, and after the last. */
export interface MultipartFrame {
  readonly contentType: string
  readonly preambles: readonly Buffer[]
  readonly epilogue: Buffer
  readonly lengthBytes: number
}

export function multipartFrame(
  answer: Representation,
  sizeBytes: number,
  ranges: readonly { readonly startByte: number; readonly endByte: number }[],
): MultipartFrame {
  // Random, so that no file can hold it on purpose.
  const boundary = `sluice${randomBytes(18).toString('hex')}`
  const type = answer.contentType === null ? '' : `Content-Type: ${answer.contentType}\r\n`
  const preambles = ranges.map(({ startByte, endByte }, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\n${type}Content-Range: bytes ${startByte}-${endByte - 1}/${sizeBytes}\r\n\r\n`,
      'latin1',
    ),
  )
  const epilogue = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1')
  const bodies = ranges.reduce((sum, { startByte, endByte }) => sum + endByte - startByte, 0)
  const lengthBytes = preambles.reduce((sum, { byteLength }) => sum + byteLength, bodies + epilogue.byteLength)
  return { contentType: `multipart/byteranges; boundary=${boundary}`, preambles, epilogue, lengthBytes }
}

/** The answer to a request that cannot be served. Never stored by anybody. */
export function sendFailure(response: ServerResponse, method: string | undefined, failure: FailureAnswer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const body = Buffer.from(`${failure.sentence}\n`)
  const head = [
    'content-type',
    'text/plain; charset=utf-8',
    'content-length',
    String(body.byteLength),
    'cache-control',
    'no-store',
    'x-content-type-options',
    'nosniff',
    'content-security-policy',
    "sandbox; default-src 'none'",
  ]
  if (failure.retryAfterSeconds !== null) head.push('retry-after', String(failure.retryAfterSeconds))
  if (failure.status === 401) head.push('www-authenticate', 'Bearer realm="Sluice"')
  if (failure.status === 405) head.push('allow', 'GET, HEAD')
  response.writeHead(failure.status, head)
  response.end(method === 'HEAD' ? undefined : body)
}

/** Counts how an answer was had. */
export function countOutcome(reading: Reading): void {
  reading.service.counters.succeeded(reading.hasMissed)
}
