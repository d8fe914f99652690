import type { IncomingMessage, ServerResponse } from 'node:http'
import { TransferError } from '../../server/domain/failure.ts'
import type { Log } from '../../server/log.ts'
import { NoLongerWanted } from '../slice/no-longer-wanted.ts'
import { slicesOf } from '../slice/slice-plan.ts'
import { SliceRun } from '../slice/slice-run.ts'
import type { SlicedFile } from '../slice/sliced-file.ts'
import type { AccessControl, AccessVerdict } from './access.ts'
import {
  cacheStatusOf,
  countOutcome,
  multipartFrame,
  type Reading,
  sendFailure,
  sendHeadOnly,
  writeSingleHead,
} from './answer.ts'
import { AnswerBody, type BodyPart, FIRST_BYTES, waitedTooLong } from './answer-body.ts'
import { answerForFailure } from './answer-failure.ts'
import type { ByteRange } from './byte-ranges.ts'
import { wishesOf } from './freshness.ts'
import type { OriginRegistry } from './origin-registry.ts'
import type { OriginService } from './origin-service.ts'
import { rankOf } from './priorities.ts'
import { type AnswerPlan, planAnswer } from './range-request.ts'
import { relay } from './relay.ts'
import type { Representation } from './representation.ts'
import { wantedOf } from './wanted-bytes.ts'
import { WriteTurns } from './write-turns.ts'

export interface RangeServerOptions {
  readonly origins: OriginRegistry
  readonly access: AccessControl
  readonly log: Pick<Log, 'debug' | 'warn'>
  /** A reader that takes nothing for so long is cut off. */
  readonly stallMs: number
  /** How long one slice may be waited for. */
  readonly waitMs: number
  /** See `WriteTurns`; by default some milliseconds of copying. */
  readonly turnBytes?: number | undefined
  /** Told of each answer that began, for the metrics; seconds from the request to its first byte. */
  readonly onAnswer?: (seconds: number) => void
}

const PREFIX = '/o/'
/** Versions that are tried for one request while a file keeps changing. */
const MAX_VERSIONS = 3
/** Files up to here are most likely read to their end. */
const SMALL_FILE_BYTES = 32 * 1024 * 1024

/**
 * The range server: `GET|HEAD /o/{originName}/{path}?{query}`, from slices. What is in memory is answered at once, without a promise; the
 * rest waits for its first slice, proven, before the status line goes out. One answer is of one version from its first byte to its last.
 */
export class RangeServer {
  readonly #options: RangeServerOptions
  readonly #turns: WriteTurns

  constructor(options: RangeServerOptions) {
    this.#options = options
    this.#turns = new WriteTurns(options.turnBytes)
  }

  /** Answers a request under /o/. False for any other, which is left as it is. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const url = request.url ?? '/'
    if (!url.startsWith(PREFIX)) return false
    const startedMs = performance.now()
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD') {
      refuse(request, response, 405, 'Only GET and HEAD are answered here.')
      return true
    }
    const slash = url.indexOf('/', PREFIX.length)
    const name = slash < 0 ? '' : url.slice(PREFIX.length, slash)
    const service = this.#options.origins.get(name)
    if (!service) {
      if (this.#options.origins.isUnserved(name))
        refuse(request, response, 503, 'This origin cannot be served just now.')
      else refuse(request, response, 404, 'There is no published origin of this name.')
      return true
    }
    service.counters.requests++
    const verdict = this.#options.access.judge(service.config, request, url.slice(slash + 1))
    if (verdict instanceof Promise) void this.#judgeLater(verdict, request, response, service, startedMs)
    else this.#admit(verdict, request, response, service, startedMs)
    return true
  }

  async #judgeLater(
    verdict: Promise<AccessVerdict>,
    request: IncomingMessage,
    response: ServerResponse,
    service: OriginService,
    startedMs: number,
  ): Promise<void> {
    try {
      this.#admit(await verdict, request, response, service, startedMs)
    } catch (error) {
      this.#options.log.warn({ err: error }, 'A token could not be checked.')
      sendFailure(
        response,
        request.method,
        answerForFailure(new TransferError('database_unavailable', 'Tokens cannot be checked.')),
      )
    }
  }

  #admit(
    verdict: AccessVerdict,
    request: IncomingMessage,
    response: ServerResponse,
    service: OriginService,
    startedMs: number,
  ): void {
    if (verdict.refusal) {
      refuse(request, response, verdict.refusal.status, verdict.refusal.sentence)
      return
    }
    const object = service.object(verdict.target)
    if (!object) {
      refuse(request, response, 400, 'This path leads to no file of the origin.')
      return
    }
    const { headers } = request
    const wishes = wishesOf(headers['cache-control'], headers.pragma)
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
    const reading: Reading = { request, response, method, service, object, wishes, startedMs, hasMissed: false }
    const answer = object.fresh(wishes, Date.now())
    if (!answer || !this.#answerAtOnce(reading, answer)) void this.#answerLater(reading)
  }

  /** Answers where everything that is needed for the head is in memory. False: nothing was done. */
  #answerAtOnce(reading: Reading, answer: Representation): boolean {
    const plan = planAnswer(reading.method, reading.request.headers, answer)
    if (reading.method === 'HEAD' || (plan.status !== 200 && plan.status !== 206)) {
      this.#sendHeadOnly(reading, answer, plan)
      return true
    }
    const file = answer.sharedFile
    if (file === null || file.sizeBytes === 0) return false
    if (plan.status === 206 && plan.ranges.length !== 1) return false
    const range = plan.status === 206 ? (plan.ranges[0] as ByteRange) : { startByte: 0, endByte: file.sizeBytes }
    const { firstIndex, endIndex } = slicesOf(range.startByte, range.endByte, file.sliceSizeBytes)
    if (endIndex - firstIndex !== 1) return false
    const lengthBytes = range.endByte - range.startByte
    if (lengthBytes > FIRST_BYTES && !this.#turns.hasRoom) return false
    const slice = file.take(firstIndex)
    if (slice === null) return false
    const { counters } = reading.service
    const sliceStart = firstIndex * file.sliceSizeBytes
    writeSingleHead(reading, answer, file.sizeBytes, plan.status === 206 ? range : null)
    const { response } = reading
    response.end(slice.subarray(range.startByte - sliceStart, range.endByte - sliceStart))
    // The kernel takes most answers at once, and a timer for each would be a good part of what they cost. What it did not take is held for the
    // reader, who has to take it.
    if (response.writableLength > 0) this.#cutWhenStalled(reading)
    this.#turns.spend(lengthBytes)
    counters.succeeded(false)
    counters.servedBytes += lengthBytes
    this.#answered(reading)
    return true
  }

  #cutWhenStalled({ response, service }: Reading): void {
    response.setTimeout(this.#options.stallMs, () => {
      service.counters.aborts++
      response.destroy()
    })
  }

  async #answerLater(reading: Reading): Promise<void> {
    const { response, object, wishes, service } = reading
    const gone = new AbortController()
    const onClose = () => gone.abort(new NoLongerWanted('The reader went away.'))
    response.once('close', onClose)
    service.counters.activeReaders++
    try {
      for (let version = 1; ; version++) {
        let known = version === 1 ? object.fresh(wishes, Date.now()) : null
        if (!known) {
          if (wishes.onlyIfCached) known = await object.kept(wishes, gone.signal)
          if (!known && wishes.onlyIfCached) throw new NotCached()
          reading.hasMissed = true
        }
        const answer =
          known ?? (await object.get(wishes, wantedOf(reading.method, reading.request.headers), gone.signal))
        try {
          await this.#respond(reading, answer, gone.signal)
          return
        } catch (error) {
          // The file changed before anything was sent: its new version is what is asked for.
          const isChange = error instanceof TransferError && error.code === 'source_changed'
          if (!isChange || response.headersSent || version === MAX_VERSIONS) throw error
        }
      }
    } catch (error) {
      service.counters.activeReaders--
      if (gone.signal.aborted || response.destroyed) service.counters.aborts++
      else this.#fail(reading, error)
    } finally {
      response.off('close', onClose)
    }
  }

  /** Sends the answer, or rejects with nothing sent. The count of active readers goes down when its body ends. */
  async #respond(reading: Reading, answer: Representation, signal: AbortSignal): Promise<void> {
    const { method, request, response, service } = reading
    signal.throwIfAborted()
    const plan = planAnswer(method, request.headers, answer)
    const hasBody = method === 'GET' && (plan.status === 200 || plan.status === 206)
    const file = hasBody ? answer.file() : null
    if (!hasBody || answer.sizeBytes === 0) {
      this.#sendHeadOnly(reading, answer, plan)
      service.counters.activeReaders--
      return
    }
    const { onlyIfCached } = reading.wishes
    if (file === null) {
      if (onlyIfCached) throw new NotCached()
      const onFirstByte = () => this.#answered(reading)
      await relay(reading, answer, { stallMs: this.#options.stallMs, onFirstByte }, signal)
      service.counters.activeReaders--
      return
    }
    const ranges = plan.status === 206 ? plan.ranges : [{ startByte: 0, endByte: file.sizeBytes }]
    // Looked at before anything is begun: a slice that is missing must not be asked for.
    if (onlyIfCached && !ranges.every((range) => isCached(file, range, service))) throw new NotCached()
    const isBounded = (plan.status === 206 && !plan.isOpen) || file.sizeBytes <= SMALL_FILE_BYTES
    const frame = ranges.length > 1 ? multipartFrame(answer, file.sizeBytes, ranges) : null
    const parts = ranges.map((range, index): BodyPart => {
      const preamble = frame?.preambles[index] ?? null
      return { preamble, range, run: this.#run(service, file, range, plan.status === 206, isBounded) }
    })
    let first: Uint8Array
    try {
      const slice = (parts[0] as BodyPart).run.next()
      if (slice instanceof Uint8Array) first = slice
      else {
        reading.hasMissed = true
        first = await this.#within(slice, signal)
      }
      signal.throwIfAborted()
    } catch (error) {
      for (const { run } of parts) run.close()
      throw error
    }
    if (frame) {
      const head = answer.headOfType(frame.contentType, Date.now())
      head.push('cache-status', cacheStatusOf(reading), 'content-length', String(frame.lengthBytes))
      response.writeHead(206, head)
    } else writeSingleHead(reading, answer, file.sizeBytes, plan.status === 206 ? (ranges[0] as ByteRange) : null)
    this.#answered(reading)
    this.#send(reading, file, parts, frame?.epilogue ?? null, first)
  }

  #send(
    reading: Reading,
    file: SlicedFile,
    parts: readonly BodyPart[],
    epilogue: Buffer | null,
    first: Uint8Array,
  ): void {
    const { response, service } = reading
    const { counters } = service
    const body = new AnswerBody({
      response,
      turns: this.#turns,
      file,
      parts,
      epilogue,
      stallMs: this.#options.stallMs,
      waitMs: this.#options.waitMs,
      onSent: (bytes) => {
        counters.servedBytes += bytes
      },
      onEnd: (outcome) => {
        counters.activeReaders--
        reading.hasMissed ||= parts.some(({ run }) => run.hasMissed)
        if (outcome === 'aborted') counters.aborts++
        else if (outcome === 'sent') countOutcome(reading)
        else {
          service.failed(outcome.failed)
          this.#options.log.debug({ err: outcome.failed, origin: service.config.name }, 'An answer was cut off.')
        }
      },
    })
    body.start(first)
  }

  #run(service: OriginService, file: SlicedFile, range: ByteRange, isRange: boolean, isBounded: boolean): SliceRun {
    return new SliceRun({
      pool: service.pool,
      file,
      ...slicesOf(range.startByte, range.endByte, file.sliceSizeBytes),
      rank: rankOf({ isRange, bytes: range.endByte - range.startByte }),
      isBounded,
      prefetchSlices: service.prefetchSlices,
    })
  }

  /** Waits for a slice, no longer than the limit (B1), and no longer than the reader is there. */
  async #within(slice: Promise<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
    const { promise: ended, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    const timer = setTimeout(() => reject(waitedTooLong(this.#options.waitMs)), this.#options.waitMs)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([slice, ended])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  #sendHeadOnly(reading: Reading, answer: Representation, plan: AnswerPlan): void {
    sendHeadOnly(reading, answer, plan)
    this.#options.onAnswer?.((performance.now() - reading.startedMs) / 1000)
  }

  #answered(reading: Reading): void {
    const ms = performance.now() - reading.startedMs
    reading.service.counters.answered(ms)
    this.#options.onAnswer?.(ms / 1000)
  }

  #fail(reading: Reading, error: unknown): void {
    const { request, response, service } = reading
    if (error instanceof NotCached) {
      refuse(request, response, 504, 'This is not in the cache, and the request asks for nothing else.')
      return
    }
    service.failed(error)
    const failure = answerForFailure(error)
    if (failure.status === 500) this.#options.log.warn({ err: error }, 'A read ended in an unexpected error.')
    else this.#options.log.debug({ err: error, origin: service.config.name }, failure.sentence)
    sendFailure(response, request.method, failure)
  }
}

/** Whether memory or disk of this engine have all of a range. */
function isCached(file: SlicedFile, { startByte, endByte }: ByteRange, { cache }: OriginService): boolean {
  if (file.cache === null) return false
  const { objectId, version, sliceSizeBytes } = file
  const { firstIndex, endIndex } = slicesOf(startByte, endByte, sliceSizeBytes)
  for (let index = firstIndex; index < endIndex; index++) if (!cache.has({ objectId, version, index })) return false
  return true
}

/** only-if-cached (RFC 9111 section 5.2.1.7), and it is not. */
class NotCached extends Error {
  override readonly name = 'NotCached'
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, sentence: string): void {
  sendFailure(response, request.method, { status, sentence, retryAfterSeconds: null })
}
