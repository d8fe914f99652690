import { headerOf, type ResponseHead } from './http-transport.ts'
import type { SourceIdentity } from './source.ts'

/** The validators of one answer, and the total length it named. */
export interface AnswerIdentity {
  readonly etag: string | null
  readonly lastModified: string | null
  readonly totalBytes: number | null
}

/** What shows that two answers are of the same file, strongest first. `none`: nothing does. */
export type IdentityProof = 'etag' | 'last-modified' | 'size' | 'none'

export type IdentityVerdict =
  | { readonly same: true; readonly proof: IdentityProof }
  | {
      readonly same: false
      readonly validator: 'ETag' | 'Last-Modified' | 'size'
      readonly pinned: string
      readonly seen: string
    }

/** The validators a response carries. */
export function answerIdentity(head: ResponseHead, totalBytes: number | null): AnswerIdentity {
  return {
    etag: headerOf(head, 'etag')?.trim() || null,
    lastModified: headerOf(head, 'last-modified')?.trim() || null,
    totalBytes,
  }
}

/** Weak ETags do not promise equal bytes (RFC 9110 section 8.8.1), so they prove nothing (correctness.md case 16). */
export function isStrongEtag(etag: string | null): etag is string {
  return etag !== null && !/^W\//i.test(etag)
}

/** What later answers of this source can be held against; a transfer whose proof is `size` or `none` says so. */
export function identityProof(identity: SourceIdentity): IdentityProof {
  if (isStrongEtag(identity.etag)) return 'etag'
  if (identity.lastModified !== null) return 'last-modified'
  return identity.sizeBytes === null ? 'none' : 'size'
}

/**
 * Holds an answer against what was pinned (correctness.md cases 12, 13, 14, 16): the total where both know it, then strong ETags,
 * then Last-Modified. A pinned validator that no answer repeats is a change: nothing shows that it is still the same file.
 */
export function compareIdentity(pinned: SourceIdentity, seen: AnswerIdentity): IdentityVerdict {
  if (pinned.sizeBytes !== null && seen.totalBytes !== null && pinned.sizeBytes !== seen.totalBytes)
    return { same: false, validator: 'size', pinned: String(pinned.sizeBytes), seen: String(seen.totalBytes) }
  if (isStrongEtag(pinned.etag) && isStrongEtag(seen.etag))
    return pinned.etag === seen.etag
      ? { same: true, proof: 'etag' }
      : { same: false, validator: 'ETag', pinned: pinned.etag, seen: seen.etag }
  if (pinned.lastModified !== null && seen.lastModified !== null)
    return isSameDate(pinned.lastModified, seen.lastModified)
      ? { same: true, proof: 'last-modified' }
      : { same: false, validator: 'Last-Modified', pinned: pinned.lastModified, seen: seen.lastModified }
  if (isStrongEtag(pinned.etag))
    return { same: false, validator: 'ETag', pinned: pinned.etag, seen: seen.etag ?? 'none' }
  if (pinned.lastModified !== null)
    return { same: false, validator: 'Last-Modified', pinned: pinned.lastModified, seen: 'none' }
  // Weak tags are all there is: equal ones prove nothing more than the size, different ones are a sign of change.
  if (pinned.etag !== null && seen.etag !== null && opaque(pinned.etag) !== opaque(seen.etag))
    return { same: false, validator: 'ETag', pinned: pinned.etag, seen: seen.etag }
  return { same: true, proof: pinned.sizeBytes !== null && seen.totalBytes !== null ? 'size' : 'none' }
}

function isSameDate(a: string, b: string): boolean {
  return a === b || (!Number.isNaN(Date.parse(a)) && Date.parse(a) === Date.parse(b))
}

function opaque(etag: string): string {
  return etag.replace(/^W\//i, '')
}
