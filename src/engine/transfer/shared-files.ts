import type { SliceCache } from '../cache/slice-cache.ts'
import { objectIdOf, scopeOfHeaders, versionOf } from '../cache/slice-key.ts'
import type { Meter } from '../progress/meter.ts'
import type { PublishedSlices } from '../slice/published-slices.ts'
import { identityProof } from '../source/identity.ts'
import type { Origin } from '../source/origin.ts'
import { baseUrlOf } from '../source/origins.ts'
import type { Source, SourceIdentity, SourceTarget } from '../source/source.ts'
import type { KeptSlices } from './kept-slices.ts'
import { type FileMember, SharedFile, type SharingSettings } from './shared-file.ts'

export interface SharedFilesOptions {
  readonly source: Source
  /** Where slices are kept until every transfer of the file has had them. */
  readonly kept: KeptSlices
  /** What readers have of the same files, and the cache they have it in. */
  readonly published: PublishedSlices
  readonly cache: Pick<SliceCache, 'has' | 'get'>
  readonly settings: SharingSettings
  /** SLUICE_FEATURE_COALESCING: false, and every transfer reads for itself. */
  readonly isOn: boolean
}

/** What a transfer that joins a file brings along. */
export interface Joining {
  readonly target: SourceTarget
  /** What every answer of this transfer is held against (pinned-identity.ts). */
  readonly identity: SourceIdentity
  readonly origin: Origin
  readonly meter: Meter
  /** Called when another transfer of the file has come: what is read from now on is of use to it too. */
  readonly onCompany: () => void
}

/**
 * The files that transfers of this engine read. Two transfers share a file where everything is the same that may change its bytes: the
 * whole URL, the headers it is asked for with, and what proves its version. Then its slices are read once (shared-file.ts).
 */
export class SharedFiles {
  readonly #options: SharedFilesOptions
  readonly #files = new Map<string, SharedFile>()
  /** Transfers that have begun and know not yet what they will read, by what is shown of their URL. */
  readonly #expected = new Map<string, Set<ExpectedTransfer>>()

  constructor(options: SharedFilesOptions) {
    this.#options = options
  }

  /**
   * A transfer has begun. Until it has joined a file or is over, those that read from the same URL keep slices for it. `shownUrl` is only
   * a guess at that, and holds no secret: what is shared is decided by `join`.
   */
  expect(shownUrl: string): ExpectedTransfer {
    const expected = new ExpectedTransfer(this, shownUrl)
    if (!this.#options.isOn) return expected
    const others = this.#expected.get(shownUrl)
    if (others) others.add(expected)
    else this.#expected.set(shownUrl, new Set([expected]))
    for (const file of this.#files.values()) if (file.shownUrl === shownUrl) file.companyCame()
    return expected
  }

  expectedAt(shownUrl: string): number {
    return this.#expected.get(shownUrl)?.size ?? 0
  }

  /** Another transfer reads from the same URL, or has begun and may, or readers of a published origin may have it. */
  mayBeShared(shownUrl: string, target: SourceTarget): boolean {
    if (!this.#options.isOn) return false
    if (this.expectedAt(shownUrl) > 1 || this.#options.published.of(target).length > 0) return true
    for (const file of this.#files.values()) if (file.shownUrl === shownUrl) return true
    return false
  }

  forget(expected: ExpectedTransfer): void {
    const others = this.#expected.get(expected.shownUrl)
    others?.delete(expected)
    if (others?.size === 0) this.#expected.delete(expected.shownUrl)
    for (const file of [...this.#files.values()]) if (file.shownUrl === expected.shownUrl) file.tidy()
  }

  /** Null where it cannot be shared: no ranges, or nothing that proves a version. */
  join(shownUrl: string, joining: Joining): FileMember | null {
    const { identity, target, origin } = joining
    const { sizeBytes } = identity
    if (!this.#options.isOn || !identity.acceptsRanges || sizeBytes === null || !isProven(identity)) return null
    const { kept, published, cache, settings, source } = this.#options
    const objectId = objectIdOf({
      origin: baseUrlOf(target.url),
      url: withoutFragment(target.url),
      credentialScope: scopeOfHeaders(target.headers),
    })
    const version = versionOf({ ...identity, sliceSizeBytes: settings.sliceSizeBytes })
    const key = `${objectId}/${version}`
    let file = this.#files.get(key)
    if (!file || file.isChanged) {
      const made = new SharedFile({
        ...{ objectId, version, target, shownUrl, origin, kept, published, cache, settings, source },
        identity: { ...identity, sizeBytes },
        expected: () => this.expectedAt(shownUrl),
        onEmpty: () => {
          if (this.#files.get(key) === made) this.#files.delete(key)
        },
      })
      file = made
      this.#files.set(key, made)
    }
    return file.join(joining)
  }
}

/** A transfer from its beginning to its end, as far as sharing goes. */
export class ExpectedTransfer {
  readonly shownUrl: string
  readonly #files: SharedFiles
  #member: FileMember | null = null

  constructor(files: SharedFiles, shownUrl: string) {
    this.#files = files
    this.shownUrl = shownUrl
  }

  /** It is known what it reads. Null where that is for itself alone. */
  join(joining: Joining): FileMember | null {
    this.#member = this.#files.join(this.shownUrl, joining)
    this.#files.forget(this)
    return this.#member
  }

  /** It reads no more. Harmless when called again. */
  end(): void {
    this.#files.forget(this)
    this.#member?.leave()
    this.#member = null
  }
}

/** Length alone proves nothing: two files of one length may differ. */
function isProven(identity: SourceIdentity): boolean {
  const proof = identityProof(identity)
  return proof === 'etag' || proof === 'last-modified'
}

function withoutFragment(url: string): string {
  const parsed = new URL(url)
  parsed.hash = ''
  return parsed.href
}
