import { parseHttpDate } from './range-request.ts'

/** How long a stored answer may be used, and what for. Plain JSON: it is kept with the record of the object. */
export type Freshness = {
  /** False: no part of it is kept, and nobody else gets it. */
  readonly isStorable: boolean
  /** When the answer came, and how old it was then (RFC 9111 section 4.2.3). */
  readonly receivedMs: number
  readonly initialAgeMs: number
  readonly lifetimeMs: number
  /** After the lifetime: used at once while it is asked for anew (RFC 5861 section 3). */
  readonly staleWhileRevalidateMs: number
  /** After the lifetime: used where the origin fails (RFC 5861 section 4). */
  readonly staleIfErrorMs: number
  /** The settings it was judged by, as `policyName` names them. */
  readonly policy: string
}

export interface FreshnessPolicy {
  /** Over whatever the origin says of its lifetime; null follows the origin. */
  readonly ttlSeconds: number | null
  readonly heuristicFreshness: boolean
  /** The requests to the origin carry credentials. */
  readonly hasCredentials: boolean
}

/** Tells settings apart that judge differently: what was judged by others has to be asked for anew. */
export function policyName({ ttlSeconds, heuristicFreshness, hasCredentials }: FreshnessPolicy): string {
  return [
    ttlSeconds ?? 'origin',
    heuristicFreshness ? 'heuristic' : 'exact',
    hasCredentials ? 'credentials' : 'open',
  ].join()
}

export type OriginHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Lifetimes beyond this are no other than it (RFC 9111 section 1.2.2). */
const MAX_SECONDS = 2 ** 31
const HEURISTIC_SHARE = 0.1
const MAX_HEURISTIC_MS = 24 * 3600 * 1000

/**
 * What a shared cache may do with a 200 or 206 of the origin (RFC 9111 sections 3 and 4). `no-store` and `private` always hold; a fixed
 * TTL replaces the lifetime and makes answers to requests with credentials storable, because whoever set both meant that.
 */
export function freshnessOf(
  headers: OriginHeaders,
  policy: FreshnessPolicy,
  times: { readonly requestMs: number; readonly responseMs: number },
): Freshness {
  const control = parseCacheControl(textOf(headers, 'cache-control'))
  const { ttlSeconds } = policy
  const dateMs = dateOf(headers, times.responseMs)
  const lifetimeMs = ttlSeconds === null ? lifetimeOf(headers, control, policy, dateMs) : ttlSeconds * 1000
  // Who wants each use to be checked, or nothing stale to go out, is obeyed; s-maxage says so too (section 5.2.2.10).
  const isStrict =
    control.has('must-revalidate') ||
    control.has('proxy-revalidate') ||
    control.has('s-maxage') ||
    control.has('no-cache')
  const graceMs = (name: string) => (isStrict ? 0 : (secondsOf(control, name) ?? 0) * 1000)
  return {
    isStorable: isStorable(headers, control, policy),
    receivedMs: times.responseMs,
    initialAgeMs: ttlSeconds === null ? initialAge(headers, dateMs, times) : 0,
    lifetimeMs,
    staleWhileRevalidateMs: graceMs('stale-while-revalidate'),
    staleIfErrorMs: graceMs('stale-if-error'),
    policy: policyName(policy),
  }
}

/** How old an answer is now; never negative, also where the clock was set back. */
export function ageMs(freshness: Freshness, nowMs: number): number {
  return freshness.initialAgeMs + Math.max(0, nowMs - freshness.receivedMs)
}

export type Use = 'fresh' | 'while-revalidating' | 'stale'

/** What it may be used for now. */
export function judgeUse(freshness: Freshness, nowMs: number): Use {
  const overdueMs = ageMs(freshness, nowMs) - freshness.lifetimeMs
  if (overdueMs < 0) return 'fresh'
  return overdueMs < freshness.staleWhileRevalidateMs ? 'while-revalidating' : 'stale'
}

/** True where it may be used although the origin fails. */
export function mayServeOnError(freshness: Freshness, nowMs: number): boolean {
  return ageMs(freshness, nowMs) - freshness.lifetimeMs < freshness.staleIfErrorMs
}

/** What a reader's own Cache-Control asks for (RFC 9111 section 5.2.1): `no-cache`, `max-age`, `min-fresh`, `only-if-cached`, `no-store`. */
export interface ReaderWishes {
  readonly onlyIfCached: boolean
  readonly noStore: boolean
  readonly maxAgeMs: number
  readonly minFreshMs: number
}

const NO_WISHES: ReaderWishes = {
  onlyIfCached: false,
  noStore: false,
  maxAgeMs: Number.POSITIVE_INFINITY,
  minFreshMs: 0,
}

export function wishesOf(cacheControl: string | undefined, pragma: string | undefined): ReaderWishes {
  if (cacheControl === undefined)
    return pragma !== undefined && /\bno-cache\b/i.test(pragma) ? { ...NO_WISHES, maxAgeMs: 0 } : NO_WISHES
  const control = parseCacheControl(cacheControl)
  const maxAge = control.has('no-cache') ? 0 : secondsOf(control, 'max-age')
  return {
    onlyIfCached: control.has('only-if-cached'),
    noStore: control.has('no-store'),
    maxAgeMs: maxAge === null ? Number.POSITIVE_INFINITY : maxAge * 1000,
    minFreshMs: (secondsOf(control, 'min-fresh') ?? 0) * 1000,
  }
}

/** True where a fresh answer is fresh enough for this reader. */
export function satisfies(freshness: Freshness, wishes: ReaderWishes, nowMs: number): boolean {
  if (wishes === NO_WISHES) return true
  const age = ageMs(freshness, nowMs)
  return age < wishes.maxAgeMs && freshness.lifetimeMs - age > wishes.minFreshMs
}

function isStorable(headers: OriginHeaders, control: ReadonlyMap<string, string>, policy: FreshnessPolicy): boolean {
  if (control.has('no-store') || control.has('private')) return false
  if (
    textOf(headers, 'vary')
      ?.split(',')
      .some((name) => name.trim() === '*')
  )
    return false
  const isAllowed = control.has('public') || control.has('s-maxage') || policy.ttlSeconds !== null
  if (policy.hasCredentials && !isAllowed && !control.has('must-revalidate')) return false
  // What sets a cookie was made for one reader, unless the origin says that it is for all.
  return textOf(headers, 'set-cookie') === null || isAllowed
}

function lifetimeOf(
  headers: OriginHeaders,
  control: ReadonlyMap<string, string>,
  policy: FreshnessPolicy,
  dateMs: number,
): number {
  if (control.has('no-cache')) return 0
  if (control.size === 0 && /\bno-cache\b/i.test(textOf(headers, 'pragma') ?? '')) return 0
  // A lifetime that cannot be read is none (section 4.2.1).
  for (const name of ['s-maxage', 'max-age']) if (control.has(name)) return (secondsOf(control, name) ?? 0) * 1000
  const expires = textOf(headers, 'expires')
  if (expires !== null) {
    const expiresMs = parseHttpDate(expires)
    return expiresMs === null ? 0 : Math.max(0, expiresMs - dateMs)
  }
  if (!policy.heuristicFreshness) return 0
  const modifiedMs = parseHttpDate(textOf(headers, 'last-modified') ?? '')
  if (modifiedMs === null) return 0
  return Math.min(MAX_HEURISTIC_MS, Math.max(0, (dateMs - modifiedMs) * HEURISTIC_SHARE))
}

function initialAge(
  headers: OriginHeaders,
  dateMs: number,
  { requestMs, responseMs }: { readonly requestMs: number; readonly responseMs: number },
): number {
  const [first = ''] = (textOf(headers, 'age') ?? '').split(',')
  const ageValueMs = /^\d{1,10}$/.test(first.trim()) ? Number(first) * 1000 : 0
  return Math.max(0, responseMs - dateMs, ageValueMs + (responseMs - requestMs))
}

function dateOf(headers: OriginHeaders, responseMs: number): number {
  return parseHttpDate(textOf(headers, 'date') ?? '') ?? responseMs
}

/** Directives by lower-case name; of a repeated one the first counts (section 4.2.1). Quoted values are unquoted. */
export function parseCacheControl(text: string | null): ReadonlyMap<string, string> {
  const directives = new Map<string, string>()
  for (const [, name = '', quoted, plain] of (text ?? '').matchAll(
    /([!#$%&'*+.^_`|~\w-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/g,
  ))
    if (!directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), quoted ?? plain ?? '')
  return directives
}

/** Whole seconds, or null where there are none or they cannot be read. */
function secondsOf(control: ReadonlyMap<string, string>, name: string): number | null {
  const value = control.get(name)
  if (value === undefined || !/^\d+$/.test(value)) return null
  return Math.min(MAX_SECONDS, Number(value))
}

function textOf(headers: OriginHeaders, name: string): string | null {
  const value = headers[name]
  if (value === undefined) return null
  return Array.isArray(value) ? value.join(', ') : value
}
