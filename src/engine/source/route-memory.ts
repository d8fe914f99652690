import { isDeepStrictEqual } from 'node:util'
import type { Route } from './redirects.ts'
import type { SourceTarget } from './source.ts'

/** Targets remembered at once; the oldest goes first. */
const MAX_ROUTES = 512

interface Entry {
  readonly target: SourceTarget
  route: Route | null
  renewal: Promise<Route> | null
}

/**
 * Remembers where the redirects of a target ended, so that each range does not walk them again, and finds the end anew when a
 * signed one has expired (correctness.md case 26): once for all readers that meet the expiry together.
 */
export class RouteMemory {
  readonly #entries = new Map<string, Entry[]>()
  #count = 0

  /** The remembered end of the redirects, or null. */
  get(target: SourceTarget): Route | null {
    return this.#find(target)?.route ?? null
  }

  remember(target: SourceTarget, route: Route): void {
    const asked = new URL(target.url)
    asked.hash = ''
    if (route.url.href === asked.href) this.forget(target)
    else this.#ensure(target).route = route
  }

  /** Forgets the end of the redirects; the next request starts from the URL of the user. */
  forget(target: SourceTarget): void {
    const entry = this.#find(target)
    if (entry) entry.route = null
  }

  /**
   * A route to use instead of `stale`: the one another reader has found meanwhile, or what `walk` finds; `walk` runs once
   * however many ask at the same time.
   */
  renew(target: SourceTarget, stale: Route, walk: () => Promise<Route>): Promise<Route> {
    const entry = this.#ensure(target)
    if (entry.renewal) return entry.renewal
    if (entry.route && entry.route.url.href !== stale.url.href) return Promise.resolve(entry.route)
    entry.renewal = walk()
      .then((route) => {
        entry.route = route
        return route
      })
      .finally(() => {
        entry.renewal = null
      })
    return entry.renewal
  }

  #find(target: SourceTarget): Entry | undefined {
    return this.#entries.get(target.url)?.find((entry) => isDeepStrictEqual(entry.target.headers, target.headers))
  }

  #ensure(target: SourceTarget): Entry {
    const known = this.#find(target)
    if (known) return known
    if (this.#count >= MAX_ROUTES) this.#dropOldest()
    const entry: Entry = { target, route: null, renewal: null }
    this.#entries.set(target.url, [...(this.#entries.get(target.url) ?? []), entry])
    this.#count++
    return entry
  }

  #dropOldest(): void {
    const oldest = this.#entries.keys().next()
    if (oldest.done) return
    this.#count -= this.#entries.get(oldest.value)?.length ?? 0
    this.#entries.delete(oldest.value)
  }
}
