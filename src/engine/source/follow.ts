import { type FailureCode, TransferError } from '../../server/domain/failure.ts'
import type { AddressGuard } from './address-guard.ts'
import { type OpenResponse, openResponse } from './exchange.ts'
import { type HttpTransport, headerOf } from './http-transport.ts'
import { isRedirect, MAX_REDIRECTS, nextRoute, type Route, tooManyRedirects } from './redirects.ts'
import { requestHeaders } from './request-headers.ts'
import type { RouteMemory } from './route-memory.ts'
import type { SourceTarget } from './source.ts'
import { statusFailure } from './source-failure.ts'

/** What probing and reading share. */
export interface SourceContext {
  readonly transport: HttpTransport
  /** For targets that may be read over HTTP/2; it leaves to `transport` what cannot. */
  readonly http2Transport: HttpTransport
  readonly guard: AddressGuard
  readonly routes: RouteMemory
  readonly idleTimeoutMs: number
  readonly userAgent: string
}

/** `[startByte, endByte)`, or null for the whole file. */
export type WantedRange = { readonly startByte: number; readonly endByte: number } | null

export interface Followed {
  readonly response: OpenResponse
  readonly route: Route
}

/** The URL of the user, judged by the guard. */
export function firstRoute(context: SourceContext, target: SourceTarget): Route {
  return { url: context.guard.checkUrl(target.url), sendsUserHeaders: true }
}

/**
 * GETs from `start` and follows redirects by hand, at most MAX_REDIRECTS, each guarded. Resolves with the first answer
 * that is no redirect, whatever its status.
 */
export async function follow(
  context: SourceContext,
  target: SourceTarget,
  start: Route,
  range: WantedRange,
  signal: AbortSignal,
): Promise<Followed> {
  const transport = target.httpVersion === '2' ? context.http2Transport : context.transport
  const hasUserHeaders = Object.keys(target.headers).length > 0
  let route = start
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await openResponse(transport, {
      url: route.url,
      headers: requestHeaders({
        userAgent: context.userAgent,
        userHeaders: route.sendsUserHeaders ? target.headers : null,
        range,
      }),
      idleTimeoutMs: context.idleTimeoutMs,
      signal,
    })
    if (!isRedirect(response.statusCode)) return { response, route }
    response.discard()
    route = nextRoute(context.guard, route, headerOf(response, 'location'), hasUserHeaders && route.sendsUserHeaders)
  }
  throw tooManyRedirects(start.url)
}

/** What an expired or withdrawn link answers. */
const EXPIRED = new Set([401, 403, 404, 410])

/** Failures that say the place itself is out of reach, not that one connection broke. */
const UNREACHABLE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  'address_refused',
  'host_not_found',
  'connection_refused',
  'connect_timeout',
  'tls_failed',
])

/**
 * GETs from where the redirects of this target ended last time. Where that answers that it has expired, the end is found
 * anew from the URL of the user, once (correctness.md case 26).
 */
export async function followRemembered(
  context: SourceContext,
  target: SourceTarget,
  range: WantedRange,
  signal: AbortSignal,
): Promise<Followed> {
  const remembered = context.routes.get(target)
  if (!remembered) {
    const followed = await follow(context, target, firstRoute(context, target), range, signal)
    context.routes.remember(target, followed.route)
    return followed
  }
  let followed: Followed
  try {
    followed = await follow(context, target, remembered, range, signal)
  } catch (error) {
    // The place the redirects led to is gone; the next try starts from the URL of the user.
    if (error instanceof TransferError && UNREACHABLE.has(error.code)) context.routes.forget(target)
    throw error
  }
  if (!EXPIRED.has(followed.response.statusCode)) return followed
  followed.response.discard()
  const fresh = await abortable(
    context.routes.renew(target, remembered, () => walk(context, target)),
    signal,
  )
  return follow(context, target, fresh, range, signal)
}

/** Finds where the redirects end, with a request of its own that no single reader can abort. */
async function walk(context: SourceContext, target: SourceTarget): Promise<Route> {
  const range = { startByte: 0, endByte: 1 }
  const { response, route } = await follow(
    context,
    target,
    firstRoute(context, target),
    range,
    new AbortController().signal,
  )
  response.discard()
  if (response.statusCode >= 400 && response.statusCode !== 416) throw statusFailure(response, response.url)
  return route
}

/** Stops waiting when the signal aborts; what is waited for goes on for the others. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason)
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}
