import type { ServedOrigin } from '../../server/domain/published-origin.ts'
import type { ObjectRecord, SliceCache } from '../cache/slice-cache.ts'
import type { OriginGate } from '../slice/origin-gate.ts'
import { SlicedFile } from '../slice/sliced-file.ts'
import type { SourceIdentity, SourceTarget } from '../source/source.ts'
import { ageMs, type Freshness } from './freshness.ts'
import { safetyHeaders } from './passed-headers.ts'
import { parseHttpDate, type Selected } from './range-request.ts'

/** What one answer of the origin said about an object: everything but its bytes. Replaced as a whole, never changed. */
export interface RepresentationFacts {
  readonly objectId: string
  readonly version: string
  readonly target: SourceTarget
  readonly identity: SourceIdentity
  /** As passed on to readers, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly dateMs: number
  readonly freshness: Freshness
  /** False: it is one reader's own, and nothing of it is kept. */
  readonly isShared: boolean
}

/** What a representation is made for: the settings, the gate and the cache of its origin. */
export interface RepresentationOrigin {
  readonly config: ServedOrigin
  readonly gate: OriginGate
  readonly cache: SliceCache
  readonly sliceSizeBytes: number
  isTooBig(sizeBytes: number): boolean
}

/** One version of an object as readers get it. */
export class Representation implements Selected {
  readonly facts: RepresentationFacts
  readonly sizeBytes: number | null
  readonly etag: string | null
  readonly lastModifiedMs: number | null
  readonly dateMs: number
  /** Its slices, where readers share them. */
  readonly #shared: SlicedFile | null
  /** One reader's own slices, made before that reader has asked for them. */
  #own: SlicedFile | null = null
  readonly #origin: RepresentationOrigin
  readonly #fields: readonly string[]
  readonly #fieldsWithoutType: readonly string[]
  #ageSeconds = -1
  #head: string[] = []

  constructor(facts: RepresentationFacts, origin: RepresentationOrigin, known: SlicedFile | null) {
    const { headers, identity, dateMs } = facts
    this.facts = facts
    this.#origin = origin
    this.sizeBytes = identity.sizeBytes
    this.etag = headers.etag ?? null
    this.lastModifiedMs = parseHttpDate(headers['last-modified'] ?? '')
    this.dateMs = dateMs
    const all = { ...headers, ...safetyHeaders(headers, origin.config.access === 'public') }
    const fields = Object.entries(all)
    const ours = ['date', new Date(dateMs).toUTCString()]
    if (identity.sizeBytes !== null) ours.push('accept-ranges', 'bytes')
    this.#fields = [...fields.flat(), ...ours]
    this.#fieldsWithoutType = [...fields.filter(([name]) => name !== 'content-type').flat(), ...ours]
    const keeps = facts.isShared && identity.sizeBytes !== null && !origin.isTooBig(identity.sizeBytes)
    this.#shared = keeps ? (known ?? this.#newFile(true)) : null
  }

  get contentType(): string | null {
    return this.facts.headers['content-type'] ?? null
  }

  /** The slices of the file: those all share, or some of one reader's own. Null where the size is not known. */
  file(): SlicedFile | null {
    if (this.#shared || this.sizeBytes === null) return this.#shared
    const own = this.#own ?? this.#newFile(false)
    this.#own = null
    return own
  }

  /** The slices that bytes of this very answer belong to: what the next `file()` gives. */
  fileOfAnswer(): SlicedFile | null {
    if (this.#shared || this.sizeBytes === null) return this.#shared
    this.#own = this.#newFile(false)
    return this.#own
  }

  /** The slices all readers share; null where nothing may be shared. */
  get sharedFile(): SlicedFile | null {
    return this.#shared
  }

  /** The head of an answer at that time, flat, names and values in turn; a copy to add to. */
  head(nowMs: number): string[] {
    const ageSeconds = Math.floor(ageMs(this.facts.freshness, nowMs) / 1000)
    if (ageSeconds !== this.#ageSeconds) {
      this.#ageSeconds = ageSeconds
      this.#head = [...this.#fields, 'age', String(ageSeconds)]
    }
    return this.#head.slice()
  }

  /** The same with another Content-Type. */
  headOfType(contentType: string, nowMs: number): string[] {
    const ageSeconds = Math.floor(ageMs(this.facts.freshness, nowMs) / 1000)
    return [...this.#fieldsWithoutType, 'age', String(ageSeconds), 'content-type', contentType]
  }

  /** As the cache keeps it, for after a restart and for other engines. */
  record(shownPath: string): ObjectRecord {
    const { objectId, version, identity, headers, freshness, dateMs } = this.facts
    return {
      objectId,
      originId: this.#origin.config.id,
      originName: this.#origin.config.name,
      path: shownPath,
      version,
      sizeBytes: identity.sizeBytes,
      sliceSizeBytes: this.#origin.sliceSizeBytes,
      etag: identity.etag,
      lastModified: identity.lastModified,
      headers,
      freshness: { ...freshness, dateMs, acceptsRanges: identity.acceptsRanges },
      storedAtMs: freshness.receivedMs,
    }
  }

  #newFile(isKept: boolean): SlicedFile {
    const { objectId, version, target, identity } = this.facts
    return new SlicedFile({
      objectId,
      version,
      target,
      identity: { ...identity, sizeBytes: identity.sizeBytes ?? 0 },
      sliceSizeBytes: this.#origin.sliceSizeBytes,
      gate: this.#origin.gate,
      cache: isKept ? this.#origin.cache : null,
    })
  }
}

/**
 * The facts a record of the cache holds; null where it is of another layout, which is a miss. What was judged by other settings than
 * `policy` (freshness.ts) is over now: a TTL that was changed counts at once.
 */
export function factsOfRecord(record: ObjectRecord, target: SourceTarget, policy: string): RepresentationFacts | null {
  const kept = record.freshness as Partial<Freshness & { dateMs: number; acceptsRanges: boolean }> | null
  if (
    kept === null ||
    typeof kept !== 'object' ||
    typeof kept.receivedMs !== 'number' ||
    typeof kept.initialAgeMs !== 'number' ||
    typeof kept.lifetimeMs !== 'number' ||
    typeof kept.staleIfErrorMs !== 'number' ||
    typeof kept.staleWhileRevalidateMs !== 'number' ||
    typeof kept.policy !== 'string' ||
    typeof kept.dateMs !== 'number'
  )
    return null
  const { dateMs, acceptsRanges, ...rest } = kept
  const judged = rest as Freshness
  const freshness = judged.policy === policy ? judged : { ...judged, lifetimeMs: 0, staleWhileRevalidateMs: 0 }
  return {
    objectId: record.objectId,
    version: record.version,
    target,
    identity: {
      sizeBytes: record.sizeBytes,
      etag: record.etag,
      lastModified: record.lastModified,
      acceptsRanges: acceptsRanges === true,
    },
    headers: record.headers,
    dateMs,
    freshness: { ...freshness, isStorable: true },
    isShared: true,
  }
}
