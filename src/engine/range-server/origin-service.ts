import { LRUCache } from 'lru-cache'
import type { OriginStats, ServedOrigin } from '../../server/domain/published-origin.ts'
import { redactUrl } from '../../server/domain/redact.ts'
import type { ObjectRecord, SliceCache } from '../cache/slice-cache.ts'
import { objectIdOf, scopeOfHeaders } from '../cache/slice-key.ts'
import { RANKS, type Rank } from '../slice/fetch-queue.ts'
import { OriginBreaker } from '../slice/origin-breaker.ts'
import { OriginGate } from '../slice/origin-gate.ts'
import type { PublishedFile } from '../slice/published-slices.ts'
import type { RequestLimiter } from '../slice/request-limiter.ts'
import type { SlicePool } from '../slice/slice-pool.ts'
import type { Origin, ReadLane } from '../source/origin.ts'
import type { OpenedRange, Source, SourceProbe, SourceTarget } from '../source/source.ts'
import { originFailure } from './origin-failure.ts'
import type { OriginCounters } from './origin-stats.ts'
import { secretsOf } from './passed-headers.ts'
import { climbsOut } from './path-climb.ts'
import type { Representation } from './representation.ts'
import { type LearnedAnswer, type ObjectOrigin, ServedObject } from './served-object.ts'
import { firstSpan, type WantedBytes } from './wanted-bytes.ts'

/** Paths remembered of one origin; the least recently asked for go first, and are found again in the cache. */
const MAX_OBJECTS = 20_000
/** Longer targets are refused: they are no file's. */
const MAX_TARGET_LENGTH = 8_192

/** What all published origins of an engine share. */
export interface ReadPath {
  readonly source: Source
  readonly cache: SliceCache
  readonly pool: SlicePool
  readonly limiter: RequestLimiter
  readonly lanesOf: (url: string) => Promise<Origin>
  readonly sliceSizeBytes: number
  readonly prefetchSlices: number
  readonly hasPriorities: boolean
  readonly breaker: { readonly isOn: boolean; readonly failures: number; readonly openMs: number }
  /** A breaker opened. */
  readonly onTrip: (originName: string) => void
}

/** One published origin as this engine serves it: its settings, its gate, its objects. Made anew when its settings change. */
export class OriginService implements ObjectOrigin {
  readonly config: ServedOrigin
  readonly counters: OriginCounters
  readonly gate: OriginGate
  readonly secrets: readonly string[]
  readonly hasCredentials: boolean
  readonly #path: ReadPath
  readonly #objects = new LRUCache<string, ServedObject>({ max: MAX_OBJECTS })
  readonly #base: string
  readonly #headerScope: string

  constructor(config: ServedOrigin, path: ReadPath, counters: OriginCounters) {
    this.config = config
    this.counters = counters
    this.#path = path
    this.secrets = secretsOf(config.headers)
    this.hasCredentials = 'authorization' in config.headers || 'cookie' in config.headers
    this.#base = `${config.baseUrl}/`
    this.#headerScope = scopeOfHeaders(config.headers)
    this.gate = new OriginGate({
      lanes: () => path.lanesOf(config.baseUrl),
      limiter: path.limiter,
      breaker: new OriginBreaker({ ...path.breaker, onTrip: () => path.onTrip(config.name) }),
      hasPriorities: path.hasPriorities,
      maxRequests: config.lanes,
      meter: counters,
    })
  }

  get cache(): SliceCache {
    return this.#path.cache
  }

  get pool(): SlicePool {
    return this.#path.pool
  }

  get source(): Source {
    return this.#path.source
  }

  get sliceSizeBytes(): number {
    return this.#path.sliceSizeBytes
  }

  get prefetchSlices(): number {
    return this.#path.prefetchSlices
  }

  /** True for a record that this origin, with its credentials and slice size, has made. */
  isOurs(record: ObjectRecord): boolean {
    return record.originId === this.config.id && record.sliceSizeBytes === this.sliceSizeBytes
  }

  /** Objects above the cap are served and not kept (correctness.md case 50). */
  isTooBig(sizeBytes: number): boolean {
    return this.config.sizeCapBytes !== null && sizeBytes > this.config.sizeCapBytes
  }

  /** The object at a target (path without its first slash, and query); null where that leads out of the origin, or is no URL. */
  object(target: string): ServedObject | null {
    const known = this.#objects.get(target)
    if (known) return known
    const url = this.#urlOf(target)
    if (url === null) return null
    // However it is written, with dots or without: one object, or its slices would be fetched for each way to write it.
    const written = url.slice(this.#base.length)
    const same = this.#objects.get(written)
    if (same) return same
    const objectId = this.#objectIdAt(url)
    const shown = new URL(redactUrl(url))
    const object = new ServedObject(
      this,
      objectId,
      { url, headers: this.config.headers, httpVersion: this.config.httpVersion },
      shown.pathname + shown.search,
    )
    this.#objects.set(written, object)
    return object
  }

  /** What a transfer from `target` reads, where this origin publishes the very same: that URL, asked for with the same headers. */
  published(target: SourceTarget): PublishedFile | null {
    const url = new URL(target.url)
    url.hash = ''
    if (!url.href.startsWith(this.#base) || scopeOfHeaders(target.headers) !== this.#headerScope) return null
    const path = url.href.slice(this.#base.length)
    return {
      objectId: this.#objectIdAt(url.href),
      whileRead: (version) => this.#objects.peek(path)?.whileRead(version) ?? null,
    }
  }

  /** Finds out what is at a target now. */
  probe(target: SourceTarget, rank: Rank, signal: AbortSignal): Promise<SourceProbe> {
    return this.gate.request(rank, signal, () => this.counted(signal, () => this.#path.source.probe(target, signal)))
  }

  /** Counts a request to the origin that is for no slice, and whether it failed. One that nobody waits for any more has not. */
  async counted<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
    this.pool.counters.originFetches++
    try {
      return await request()
    } catch (error) {
      this.#countFailed(signal)
      throw error
    }
  }

  #countFailed(signal: AbortSignal): void {
    const { counters } = this.pool
    if (signal.aborted) counters.abortedFetches++
    else counters.failedFetches++
  }

  get opensFiles(): boolean {
    return this.pool.isCoalescing
  }

  /**
   * Finds out what is at a target by asking for bytes that somebody waits for. Resolves with what `learn` made of the head; the body fills
   * slices of its file from then on, as long as anybody wants them. Rejects as `probe` does.
   */
  open(
    target: SourceTarget,
    wanted: WantedBytes,
    signal: AbortSignal,
    learn: (probe: SourceProbe) => Representation,
  ): Promise<LearnedAnswer> {
    const head = Promise.withResolvers<LearnedAnswer>()
    const run = async (lane: ReadLane) => {
      const startedMs = performance.now()
      const { probe, range } = await this.#openRange(target, wanted, signal).catch((error) => {
        // One that succeeds is counted with the slices it brings.
        this.pool.counters.originFetches++
        this.#countFailed(signal)
        throw error
      })
      const { opened } = probe
      try {
        signal.throwIfAborted()
        const answer = learn(probe)
        const file = opened === null ? null : answer.fileOfAnswer()
        if (!opened || !file) {
          opened?.discard()
          head.resolve({ answer, opening: null })
          return
        }
        const headMs = performance.now() - startedMs
        const { opening, done } = this.pool.open(file, { opened, range, headMs }, lane)
        head.resolve({ answer, opening })
        await done
      } catch (error) {
        opened?.discard()
        throw error
      }
    }
    this.gate.request(RANKS.short, signal, run).catch(head.reject)
    return head.promise
  }

  /** The signal ends the question, but not the body: that is for the slices to say. */
  async #openRange(target: SourceTarget, wanted: WantedBytes, signal: AbortSignal): Promise<OpenedRange> {
    const { limiter, source, prefetchSlices } = this.#path
    const { sliceSizeBytes, pool } = this
    const range = firstSpan(wanted, {
      sliceSizeBytes,
      prefetchSlices: pool.isParallel ? prefetchSlices : 0,
      roomFor: (slices) => limiter.roomFor(slices, sliceSizeBytes),
    })
    const stop = new AbortController()
    const onAbort = () => stop.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await source.openRange(target, range, stop.signal)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Forgets one object, or all. */
  purge(objectId: string | null): void {
    for (const [target, object] of this.#objects.entries()) {
      if (objectId !== null && object.objectId !== objectId) continue
      object.purge()
      this.#objects.delete(target)
    }
  }

  /** Counts a reader that got an error. */
  failed(error: unknown): void {
    this.counters.failed(originFailure(error, this.secrets))
  }

  stats(): OriginStats {
    return this.counters.stats(this.config.id, this.gate.breaker, this.gate.origin?.learnedLanes ?? null)
  }

  close(): void {
    this.gate.close()
  }

  #objectIdAt(url: string): string {
    return objectIdOf({ origin: this.config.id, url, credentialScope: this.config.credentialScope })
  }

  /** Dots in a path, plain or encoded, must not climb out of what is published. */
  #urlOf(target: string): string | null {
    if (target.length > MAX_TARGET_LENGTH) return null
    const text = this.#base + target
    if (!URL.canParse(text)) return null
    const url = new URL(text)
    url.hash = ''
    if (!url.href.startsWith(this.#base)) return null
    return climbsOut(url.href.slice(this.#base.length)) ? null : url.href
  }
}
