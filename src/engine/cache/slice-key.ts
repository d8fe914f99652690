import { createHash } from 'node:crypto'
import type { PurgeTarget } from '../../server/domain/cache.ts'

/** Hexadecimal characters of an origin's scope, the beginning of the ids of all its objects. */
export const SCOPE_LENGTH = 16
/** Hexadecimal characters after the scope. */
export const OBJECT_LENGTH = 32
const VERSION_LENGTH = 20

export interface ObjectName {
  /** The id of the published origin, or scheme://host:port of a source that is none. */
  readonly origin: string
  /** The whole URL at the origin, query included. Only its hash is kept. */
  readonly url: string
  /** Tells apart what is read with different credentials; '' where none are sent. Never the credentials themselves. */
  readonly credentialScope: string
}

/**
 * The id of an object: a scope that all objects of an origin share, so that an origin can be purged without knowing its objects,
 * and a hash over URL and credentials, so that no two credentials ever share an entry.
 */
export function objectIdOf({ origin, url, credentialScope }: ObjectName): string {
  return originScopeOf(origin) + hash(['object', url, credentialScope]).slice(0, OBJECT_LENGTH)
}

/** Tells apart what is asked for with different headers: cookies, tokens, or anything else that a source may answer by. '' where there are none. */
export function scopeOfHeaders(headers: Readonly<Record<string, string>>): string {
  const fields = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  if (fields.length === 0) return ''
  fields.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex')
}

/** How the id of every object of this origin begins. */
export function originScopeOf(origin: string): string {
  return hash(['origin', origin]).slice(0, SCOPE_LENGTH)
}

/** How the ids of all objects that a purge means begin. */
export function idBeginningOf(target: PurgeTarget): string {
  if (target === 'all') return ''
  return 'objectId' in target ? target.objectId : originScopeOf(target.originId)
}

/** The version of an object: what was pinned of it, and the size its slices have. */
export function versionOf(identity: {
  readonly sizeBytes: number | null
  readonly etag: string | null
  readonly lastModified: string | null
  readonly sliceSizeBytes: number
}): string {
  const { sizeBytes, etag, lastModified, sliceSizeBytes } = identity
  return hash(['version', String(sizeBytes), etag ?? '', lastModified ?? '', String(sliceSizeBytes)]).slice(
    0,
    VERSION_LENGTH,
  )
}

/** Over JSON, so that no two lists of texts run into each other. */
function hash(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}
