import { randomUUID } from 'node:crypto'
import { TransferError } from '../../server/domain/failure.ts'
import type { ObjectRecord } from '../cache/slice-cache.ts'
import { versionOf } from '../cache/slice-key.ts'
import { RANKS, type Rank } from '../slice/fetch-queue.ts'
import { NoLongerWanted } from '../slice/no-longer-wanted.ts'
import type { Opening } from '../slice/opening.ts'
import type { SlicedFile } from '../slice/sliced-file.ts'
import { compareIdentity, identityProof } from '../source/identity.ts'
import type { SourceIdentity, SourceProbe, SourceTarget } from '../source/source.ts'
import {
  type FreshnessPolicy,
  freshnessOf,
  judgeUse,
  mayServeOnError,
  policyName,
  type ReaderWishes,
  satisfies,
} from './freshness.ts'
import { passedHeaders } from './passed-headers.ts'
import { parseHttpDate } from './range-request.ts'
import { factsOfRecord, Representation, type RepresentationFacts, type RepresentationOrigin } from './representation.ts'
import type { WantedBytes } from './wanted-bytes.ts'

/** What the origin said, and the slices that come with it; whoever gets it says when those who waited have it. */
export interface LearnedAnswer {
  readonly answer: Representation
  readonly opening: Opening | null
}

/** How an object asks its origin, and what it has to know of it. */
export interface ObjectOrigin extends RepresentationOrigin {
  readonly secrets: readonly string[]
  readonly hasCredentials: boolean
  /** True where a first contact asks for bytes that are wanted, so that they come with its answer. */
  readonly opensFiles: boolean
  isOurs(record: ObjectRecord): boolean
  probe(target: SourceTarget, rank: Rank, signal: AbortSignal): Promise<SourceProbe>
  open(
    target: SourceTarget,
    wanted: WantedBytes,
    signal: AbortSignal,
    learn: (probe: SourceProbe) => Representation,
  ): Promise<LearnedAnswer>
}

/** An answer of the origin under way, for all who wait for it. */
interface Validation {
  readonly answer: Promise<Representation>
  readonly controller: AbortController
  waiting: number
}

/**
 * One path of a published origin. Knows which version is current, and finds it out anew when that is due: once for all who ask, never for
 * each slice (correctness.md case 46). A new version replaces the old one by object, whatever slices of it there are.
 */
export class ServedObject {
  readonly objectId: string
  readonly #origin: ObjectOrigin
  readonly #target: SourceTarget
  /** Path and query without secrets, for the page of the cache. */
  readonly #shownPath: string
  #current: Representation | null = null
  #validation: Validation | null = null
  /** Purges so far: what was asked for before one is not kept after it. */
  #purges = 0
  /** The latest answer may not be shared, so nobody waits for another's. */
  #isPrivate = false

  constructor(origin: ObjectOrigin, objectId: string, target: SourceTarget, shownPath: string) {
    this.#origin = origin
    this.objectId = objectId
    this.#target = target
    this.#shownPath = shownPath
  }

  /** The current version where it may be used as it is, without asking anybody. */
  fresh(wishes: ReaderWishes, nowMs: number): Representation | null {
    const current = this.#current
    if (current === null || current.sharedFile?.change) return null
    const { freshness } = current.facts
    const use = judgeUse(freshness, nowMs)
    if (use === 'fresh') return satisfies(freshness, wishes, nowMs) ? current : null
    // Who says how old an answer may be wants no stale one (RFC 9111 section 5.2.1.1).
    if (use === 'stale' || wishes.maxAgeMs !== Number.POSITIVE_INFINITY || wishes.minFreshMs > 0) return null
    this.#validate(null).answer.catch(() => undefined)
    return current
  }

  /**
   * The version to answer from, asked for at the origin where that is due: with the bytes that are wanted, where nothing is known of the
   * object. Rejects with the failure of the origin, or the signal's reason; a request to the origin that nobody waits for any more is ended.
   */
  async get(wishes: ReaderWishes, wanted: WantedBytes | null, signal: AbortSignal): Promise<Representation> {
    signal.throwIfAborted()
    if (wishes.noStore) return this.#askAlone(wanted, signal, false)
    if (this.#isPrivate) return this.#askAlone(wanted, signal)
    const shared = this.#validation ?? this.#validate(wanted)
    const answer = await this.#wait(shared, signal)
    // The cache knew it and the question was taken back, which is not what every reader wants.
    const isUnasked = shared.controller.signal.aborted
    if (isUnasked && !satisfies(answer.facts.freshness, wishes, Date.now())) return this.get(wishes, wanted, signal)
    // What may not be shared was the first one's alone.
    return answer.facts.isShared || shared.waiting === 0 ? answer : this.#askAlone(wanted, signal)
  }

  /** What the cache knows, in whatever tier, and may be used as it is; null where the origin would have to be asked. */
  async kept(wishes: ReaderWishes, signal: AbortSignal): Promise<Representation | null> {
    if (this.#current === null) await this.#remember(signal)
    return this.fresh(wishes, Date.now())
  }

  /** The slices of this version while somebody reads it, for others who read the same; else null. */
  whileRead(version: string): SlicedFile | null {
    const file = this.#current?.sharedFile
    return file?.version === version && file.hasReaders && file.change === null && file.acceptsRanges ? file : null
  }

  /** All that is known is dropped; what is on its way reaches those who wait, and is not kept. */
  purge(): void {
    this.#purges++
    this.#current?.sharedFile?.purged()
    this.#current = null
    this.#validation = null
  }

  #validate(wanted: WantedBytes | null): Validation {
    if (this.#validation) return this.#validation
    const controller = new AbortController()
    const validation: Validation = { answer: this.#find(controller, wanted), controller, waiting: 0 }
    this.#validation = validation
    const end = () => {
      if (this.#validation === validation) this.#validation = null
    }
    validation.answer.then(end, end)
    return validation
  }

  async #wait(validation: Validation, signal: AbortSignal): Promise<Representation> {
    validation.waiting++
    const { promise: left, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([validation.answer, left])
    } finally {
      signal.removeEventListener('abort', onAbort)
      validation.waiting--
      if (validation.waiting === 0 && signal.aborted) {
        if (this.#validation === validation) this.#validation = null
        validation.controller.abort(new NoLongerWanted('Nobody waits for this answer any more.'))
      }
    }
  }

  /**
   * Asks the origin while the slower tiers of the cache are looked through (B6); an answer there that is still fresh ends the request.
   * Where the origin fails, a stale answer may do.
   */
  async #find(controller: AbortController, wanted: WantedBytes | null): Promise<Representation> {
    const { cache } = this.#origin
    const { signal } = controller
    // What is known already is most likely kept already: then the question alone is enough.
    const isKnown = this.#current !== null || cache.record(this.objectId) !== null
    const asked = this.#ask(isKnown ? null : wanted, signal)
    asked.catch(() => undefined)
    try {
      return await this.#choose(asked, controller)
    } finally {
      settleLater(asked)
    }
  }

  async #choose(asked: Promise<LearnedAnswer>, controller: AbortController): Promise<Representation> {
    let isKnown = this.#current !== null
    if (!isKnown) {
      const { hasRecord, kept } = await this.#remember(controller.signal)
      isKnown = hasRecord
      if (kept && judgeUse(kept.facts.freshness, Date.now()) === 'fresh') {
        controller.abort(new NoLongerWanted('The cache knew it.'))
        return kept
      }
    }
    try {
      return (await asked).answer
    } catch (error) {
      const current = this.#current
      if (current && isUnwell(error) && mayServeOnError(current.facts.freshness, Date.now())) return current
      // What nobody knows needs no purge, which looks through whole tiers: paths that never were are asked for at will.
      if (isGone(error) && isKnown) this.#forget()
      throw error
    }
  }

  /** Looks for what the cache knows, and takes it as current where nothing newer has come or was purged meanwhile. */
  async #remember(signal: AbortSignal): Promise<{ hasRecord: boolean; kept: Representation | null }> {
    const { cache } = this.#origin
    const purges = this.#purges
    const record = cache.record(this.objectId) ?? (await cache.loadRecord(this.objectId, signal))
    const facts =
      record && this.#origin.isOurs(record) ? factsOfRecord(record, this.#target, policyName(this.#policy)) : null
    // The answer may have been learned while the record was looked for, which may be the one it has just saved.
    if (!facts || this.#current !== null || purges !== this.#purges) return { hasRecord: record !== null, kept: null }
    this.#current = new Representation(facts, this.#origin, null)
    return { hasRecord: true, kept: this.#current }
  }

  /** For one reader alone. */
  async #askAlone(wanted: WantedBytes | null, signal: AbortSignal, mayKeep = true): Promise<Representation> {
    // One reader's own slices are held by it, so they are not fetched far ahead.
    const asked = this.#ask(wanted && { ...wanted, isBounded: false }, signal, mayKeep)
    settleLater(asked)
    return (await asked).answer
  }

  /** `mayKeep`: false where the reader wants nothing of it to be kept (RFC 9111 section 5.2.1.5). */
  async #ask(wanted: WantedBytes | null, signal: AbortSignal, mayKeep = true): Promise<LearnedAnswer> {
    const asking = { requestMs: Date.now(), purges: this.#purges, mayKeep }
    const learn = (probe: SourceProbe) => this.#learn(probe, asking)
    if (wanted !== null && this.#origin.opensFiles) return this.#origin.open(this.#target, wanted, signal, learn)
    return { answer: learn(await this.#origin.probe(this.#target, RANKS.short, signal)), opening: null }
  }

  #learn(
    probe: SourceProbe,
    { requestMs, purges, mayKeep }: { requestMs: number; purges: number; mayKeep: boolean },
  ): Representation {
    const { secrets, cache } = this.#origin
    const responseMs = Date.now()
    const freshness = freshnessOf(probe.headers, this.#policy, { requestMs, responseMs })
    const previous = this.#current
    const same = previous !== null && isSameVersion(previous.facts, probe.identity)
    const facts: RepresentationFacts = {
      objectId: this.objectId,
      version: same ? previous.facts.version : this.#newVersion(probe.identity),
      target: this.#target,
      identity: same ? { ...previous.facts.identity, acceptsRanges: probe.identity.acceptsRanges } : probe.identity,
      headers: passedHeaders(probe.headers, secrets),
      dateMs: parseHttpDate(String(probe.headers.date ?? '')) ?? responseMs,
      freshness,
      isShared: freshness.isStorable && mayKeep,
    }
    if (!mayKeep) return new Representation(facts, this.#origin, null)
    this.#isPrivate = !facts.isShared
    if (!facts.isShared) {
      if (previous) this.#forget()
      return new Representation(facts, this.#origin, null)
    }
    const known = same ? previous.sharedFile : null
    const isUsable = known !== null && known.change === null && known.acceptsRanges === probe.identity.acceptsRanges
    const current = new Representation(facts, this.#origin, isUsable ? known : null)
    if (purges !== this.#purges) {
      current.sharedFile?.purged()
      return current
    }
    this.#current = current
    cache.saveRecord(current.record(this.#shownPath))
    if (!same) cache.dropOtherVersions(this.objectId, facts.version)
    return current
  }

  get #policy(): FreshnessPolicy {
    const { config, hasCredentials } = this.#origin
    return { ...config, hasCredentials }
  }

  /** Without a validator nothing shows that two answers are of the same bytes, so each is a version of its own. */
  #newVersion(identity: SourceIdentity): string {
    const proof = identityProof(identity)
    const isProven = proof === 'etag' || proof === 'last-modified'
    const { sliceSizeBytes } = this.#origin
    return versionOf(
      isProven ? { ...identity, sliceSizeBytes } : { ...identity, sliceSizeBytes, etag: `unproven ${randomUUID()}` },
    )
  }

  #forget(): void {
    this.purge()
    // A tier that cannot be purged just now keeps slices of a version that nobody asks for.
    this.#origin.cache.purge({ objectId: this.objectId }).catch(() => undefined)
  }
}

/** Readers who waited for an answer go on before any timer; what they have not wanted by then was asked for in vain. */
function settleLater(asked: Promise<LearnedAnswer>): void {
  asked.then(
    ({ opening }) => opening && setImmediate(() => opening.settled()),
    () => undefined,
  )
}

function isSameVersion(previous: RepresentationFacts, identity: SourceIdentity): boolean {
  const verdict = compareIdentity(previous.identity, { ...identity, totalBytes: identity.sizeBytes })
  return verdict.same && (verdict.proof === 'etag' || verdict.proof === 'last-modified')
}

/** The origin is out of reach or unwell, as RFC 5861 section 4 means it. */
function isUnwell(error: unknown): boolean {
  if (!(error instanceof TransferError)) return false
  return error.retry !== 'never' || error.code === 'host_not_found' || error.code === 'tls_failed'
}

function isGone(error: unknown): boolean {
  return error instanceof TransferError && (error.code === 'source_not_found' || error.code === 'source_gone')
}
