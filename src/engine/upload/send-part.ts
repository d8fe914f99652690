import { setImmediate } from 'node:timers/promises'
import type { BucketCapabilities, BucketConnection } from '../../server/domain/bucket.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { appendCrc32c, encodeCrc32c, updateCrc32c } from './crc32c.ts'
import { type ObjectUpload, type PartUpload, type UploadedPart, WRITE_TOKEN_KEY } from './object-store.ts'
import type { PartAnswer, PartCarrier } from './part-carrier.ts'
import { createFramer, type Framer, framedLength } from './part-framing.ts'
import { ProgressWatch } from './progress-watch.ts'
import { createPartSigner, type PayloadHash } from './sign-part.ts'
import { readHeaders, StoreAnswerError, uploadFailure } from './upload-failure.ts'

/**
 * A write of at least the socket's high-water mark is waited for until the kernel has it; a smaller one is not, so it is
 * copied before its slice may be reused. Node's sockets have 64 KiB or less.
 */
const COPY_BELOW_BYTES = 64 * 1024
/** Smaller writes cost CPU, larger ones hide progress on slow lines: the size follows the pace between these. */
const MIN_WRITE_BYTES = 64 * 1024
const MAX_WRITE_BYTES = 1024 * 1024
/** The end of a body goes alone and below 16 KiB: undici waits for a larger write over TLS, and an answer that overtakes the wait looks too early. */
const END_WRITE_BYTES = 8 * 1024
/** The answer comes after what the network still holds was sent and the store has made it durable. */
const ANSWER_FACTOR = 4

/** The clock that requests are signed with; `correct` says whether the store's date changed it. */
export interface SigningClock {
  now(): Date
  correct(storeDate: Date): boolean
}

export interface PartSenderOptions {
  readonly connection: BucketConnection
  readonly capabilities: BucketCapabilities
  readonly carrier: PartCarrier
  readonly clock: SigningClock
  readonly idleTimeoutMs: number
}

/**
 * Sends bodies of UploadPart (Amazon S3 API Reference). `held` goes with Content-Length and its CRC32C in a header,
 * `streamed` aws-chunked with the CRC32C in a trailer where the store takes one, else plain. A body that is shorter or
 * longer than announced breaks the connection before the store can accept it. An error answer that comes while bytes are
 * still being sent is read and reported. Throws TransferError, an error of the slices as it is, or the signal's reason.
 */
export function createPartSender(options: PartSenderOptions): (part: PartUpload) => Promise<UploadedPart> {
  const send = createSender(options)
  return async (part) => {
    const { key, uploadId, number, sizeBytes, body, onBytes, signal } = part
    const what = `part ${number}`
    const sent = await send({ key, part: { uploadId, number }, what, sizeBytes, body, headers: {}, onBytes, signal })
    return { number, sizeBytes, etag: sent.etag, crc32c: sent.crc32c }
  }
}

/**
 * Sends whole objects (PutObject) the way held parts are sent, with the write token as metadata. The store writes nothing where
 * there is another object at the key than the one to be replaced: that is `key_exists`, or `upload_conflict` where two came at
 * once.
 */
export function createObjectSender(
  options: PartSenderOptions,
): (put: ObjectUpload) => Promise<{ etag: string; storedCrc32c: string | null }> {
  const send = createSender(options)
  return async ({ key, sizeBytes, body, contentType, writeToken, replaces, onBytes, signal }) => {
    const headers: Record<string, string> = { [`x-amz-meta-${WRITE_TOKEN_KEY}`]: writeToken }
    if (replaces === null) headers['if-none-match'] = '*'
    else headers['if-match'] = replaces
    // Signed as it is sent, so what a proxy could write otherwise is left out.
    const type = contentType?.trim().replace(/\s+/g, ' ')
    if (type && /^[\x20-\x7e]+$/.test(type)) headers['content-type'] = type
    const sent = await send({ key, part: null, what: 'the object', sizeBytes, body, headers, onBytes, signal })
    return { etag: sent.etag, storedCrc32c: sent.storedCrc32c }
  }
}

/** One PUT, of a part or of a whole object. */
interface Sending extends Pick<PartUpload, 'key' | 'sizeBytes' | 'body' | 'onBytes' | 'signal'> {
  readonly part: { readonly uploadId: string; readonly number: number } | null
  /** As a sentence names it. */
  readonly what: string
  /** Further headers. */
  readonly headers: Readonly<Record<string, string>>
}

interface Sent {
  readonly etag: string
  /** Of the bytes we sent. */
  readonly crc32c: string
  /** As the store's answer gives it: equal to ours, or null. */
  readonly storedCrc32c: string | null
}

function createSender(options: PartSenderOptions): (sending: Sending) => Promise<Sent> {
  const { connection, capabilities, carrier, clock, idleTimeoutMs } = options
  const signer = createPartSigner(connection)
  const host = new URL(connection.endpoint).host

  return async function send(sending) {
    sending.signal.throwIfAborted()
    const shape = shapeOf(sending, capabilities)
    const { path, headers } = signer.sign({
      key: sending.key,
      part: sending.part,
      payloadHash: shape.payloadHash,
      headers: { ...shape.headers, ...sending.headers },
      at: clock.now(),
    })
    headers['content-length'] = String(shape.contentLength)
    const doing = `sending ${sending.what}`
    const watch = new ProgressWatch(idleTimeoutMs, () =>
      silence(`${host} was silent for ${idleTimeoutMs / 1000} s or more while ${doing}`),
    )
    const state: BodyState = { crc: 0, sentBytes: 0, isWhole: false, isOver: false, failure: null }
    try {
      if (shape.contentLength === 0) {
        await expectNothing(sending)
        watch.moved(idleTimeoutMs * ANSWER_FACTOR)
      }
      const answer = await carrier.put({
        origin: signer.origin,
        path,
        headers,
        body: shape.contentLength === 0 ? null : bodyOf(sending, shape.framer, state, watch, idleTimeoutMs),
        signal: AbortSignal.any([sending.signal, watch.signal]),
      })
      if (shape.contentLength === 0) state.isWhole = true
      judge(answer)
      return acknowledged(sending, answer.headers, state, host)
    } catch (error) {
      sending.signal.throwIfAborted()
      if (state.failure) throw state.failure.error
      throw corrected(error, uploadFailure(error, { connection, doing, ofUpload: sending.part !== null }))
    } finally {
      state.isOver = true
      watch.stop()
    }
  }

  /** Where the clocks differed and the answer has set ours right, the next attempt will do. */
  function corrected(error: unknown, failure: TransferError): TransferError {
    if (failure.code !== 'clock_skewed' || !(error instanceof StoreAnswerError) || !error.date) return failure
    if (!clock.correct(error.date)) return failure
    return new TransferError('clock_skewed', failure.message, { retry: 'now', facts: failure.facts, cause: error })
  }
}

interface Shape {
  readonly payloadHash: PayloadHash
  readonly headers: Record<string, string>
  readonly contentLength: number
  readonly framer: Framer | null
}

/** What a request looks like, by the kind of body and what the store takes. */
function shapeOf(part: Sending, capabilities: BucketCapabilities): Shape {
  if (part.body.kind === 'held') {
    const heldBytes = part.body.slices.reduce((sum, slice) => sum + slice.length, 0)
    if (heldBytes !== part.sizeBytes) throw wrongLength(part, heldBytes)
    // Ceph looks at the checksum only with the algorithm beside it.
    const headers: Record<string, string> = capabilities.checksumHeaders
      ? { 'x-amz-checksum-crc32c': part.body.crc32c, 'x-amz-sdk-checksum-algorithm': 'CRC32C' }
      : {}
    return { payloadHash: 'UNSIGNED-PAYLOAD', headers, contentLength: part.sizeBytes, framer: null }
  }
  if (!capabilities.checksumTrailers)
    return { payloadHash: 'UNSIGNED-PAYLOAD', headers: {}, contentLength: part.sizeBytes, framer: null }
  return {
    payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(part.sizeBytes),
      'x-amz-sdk-checksum-algorithm': 'CRC32C',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
    },
    contentLength: framedLength(part.sizeBytes),
    framer: createFramer(part.sizeBytes),
  }
}

interface BodyState {
  crc: number
  sentBytes: number
  /** All bytes were taken by the socket. */
  isWhole: boolean
  /** The request has settled: no more slices are asked for. */
  isOver: boolean
  /** An error of the slices, or of their length: it is the cause, whatever the torn connection says. */
  failure: { readonly error: unknown } | null
}

/**
 * The bytes of the body as the socket takes them. The next slice is asked for when the last one has left. Nothing is waited
 * for after the last byte, or the answer would come before the request counts as sent and cost the connection.
 */
async function* bodyOf(
  part: Sending,
  framer: Framer | null,
  state: BodyState,
  watch: ProgressWatch,
  idleTimeoutMs: number,
): AsyncGenerator<Uint8Array | string> {
  const { body, sizeBytes } = part
  const pace = { writeBytes: MIN_WRITE_BYTES * 4, sinceImmediate: 0 }
  const write = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array | string> {
    for (let start = 0; start < bytes.length && !state.isOver; ) {
      const frame = framer?.open()
      if (frame?.before) yield frame.before
      const leftBytes = sizeBytes - state.sentBytes
      const beforeEnd = leftBytes > END_WRITE_BYTES ? leftBytes - END_WRITE_BYTES : leftBytes
      const end = Math.min(bytes.length, start + Math.min(pace.writeBytes, frame?.roomBytes ?? sizeBytes, beforeEnd))
      const piece = bytes.subarray(start, end)
      const startedAt = performance.now()
      watch.moved()
      yield piece.length < COPY_BELOW_BYTES ? Buffer.from(piece) : piece
      framer?.took(piece.length)
      start = end
      state.sentBytes += piece.length
      await keepPace(pace, piece.length, performance.now() - startedAt, state.sentBytes === sizeBytes)
    }
  }
  try {
    let tail: Uint8Array | null = null
    let takenBytes = 0
    watch.pause()
    for await (const slice of body.slices) {
      if (state.isOver) return
      takenBytes += slice.length
      if (takenBytes > sizeBytes) throw wrongLength(part, takenBytes)
      // A held body brings its value along; nothing is hashed twice.
      if (body.kind === 'streamed')
        state.crc = body.sliceCrc32c
          ? appendCrc32c(state.crc, body.sliceCrc32c(), slice.length)
          : updateCrc32c(slice, state.crc)
      // The end of a plain body is kept back until the slices have ended: a longer one must not look whole to the store.
      const keepBytes = takenBytes === sizeBytes && body.kind === 'streamed' && !framer ? COPY_BELOW_BYTES : 0
      const split = Math.max(0, slice.length - keepBytes)
      if (!tail) yield* write(slice.subarray(0, split))
      if (split < slice.length) tail = Buffer.from(slice.subarray(split))
      part.onBytes(split)
      watch.pause()
    }
    if (takenBytes !== sizeBytes) throw wrongLength(part, takenBytes)
    if (tail) {
      yield* write(tail)
      part.onBytes(tail.length)
    }
    watch.moved(idleTimeoutMs * ANSWER_FACTOR)
    if (framer) yield framer.close(encodeCrc32c(state.crc))
    state.isWhole = true
  } catch (error) {
    if (!state.isOver) state.failure = { error }
    throw error
  }
}

/** An empty body is no body to send, so whether its slices are empty too is looked at before. */
async function expectNothing(part: Sending): Promise<void> {
  for await (const slice of part.body.slices) if (slice.length > 0) throw wrongLength(part, slice.length)
}

/** Follows the pace of the line, and lets the event loop read: writes that the kernel takes at once never would. */
async function keepPace(
  pace: { writeBytes: number; sinceImmediate: number },
  bytes: number,
  tookMs: number,
  isLast: boolean,
): Promise<void> {
  if (tookMs < 50) pace.writeBytes = Math.min(MAX_WRITE_BYTES, pace.writeBytes * 2)
  else if (tookMs > 1000) pace.writeBytes = Math.max(MIN_WRITE_BYTES, pace.writeBytes / 2)
  pace.sinceImmediate += bytes
  if (isLast || pace.sinceImmediate < MAX_WRITE_BYTES) return
  pace.sinceImmediate = 0
  await setImmediate()
}

/** Throws StoreAnswerError unless the answer is a success. */
function judge({ statusCode, headers, text }: PartAnswer): void {
  if (statusCode >= 200 && statusCode < 300) return
  const { date, ...said } = readHeaders(headers)
  const storeDate = date === null ? null : new Date(date)
  throw new StoreAnswerError(
    {
      ...said,
      status: statusCode,
      code: /<Code>([^<]{1,100})<\/Code>/.exec(text)?.[1] ?? null,
      region: /<Region>([^<]{1,64})<\/Region>/.exec(text)?.[1] ?? said.region,
    },
    storeDate && !Number.isNaN(storeDate.getTime()) ? storeDate : null,
  )
}

/** What the store has acknowledged; throws where a success does not fit what was sent. */
function acknowledged(part: Sending, headers: PartAnswer['headers'], state: BodyState, host: string): Sent {
  const problem = (message: string) => new TransferError('bucket_protocol_error', message, { retry: 'now' })
  const { what } = part
  if (!state.isWhole) throw problem(`${host} said it had ${what} before all of it was sent. It is sent again.`)
  const etag = text1(headers.etag)
  if (!etag) throw problem(`${host} took ${what} without giving an ETag for it. Check that it is an S3 store.`)
  const crc32c = part.body.kind === 'held' ? part.body.crc32c : encodeCrc32c(state.crc)
  const storedCrc32c = text1(headers['x-amz-checksum-crc32c'])
  if (storedCrc32c !== null && storedCrc32c !== crc32c)
    throw new TransferError(
      'checksum_mismatch',
      `${host} has other bytes for ${what} than were sent (CRC32C ${storedCrc32c}, not ${crc32c}). It is sent again.`,
      { retry: 'now', facts: part.part ? { number: part.part.number } : {} },
    )
  return { etag, crc32c, storedCrc32c }
}

function wrongLength(part: Sending, bytes: number): TransferError {
  const what = part.what.charAt(0).toUpperCase() + part.what.slice(1)
  return new TransferError(
    'size_mismatch',
    `${what} was to have ${part.sizeBytes} bytes and came to ${bytes}${bytes > part.sizeBytes ? ' or more' : ''}. It was not stored.`,
    { retry: 'now', facts: { number: part.part?.number ?? 1, expectedBytes: part.sizeBytes, bytes } },
  )
}

function silence(what: string): TransferError {
  return new TransferError('bucket_unreachable', `${what}. Check the network and the store.`, {
    retry: 'now',
  })
}

const text1 = (value: string | string[] | undefined): string | null => (Array.isArray(value) ? value[0] : value) || null
