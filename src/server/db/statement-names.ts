/** Each connection keeps the plans of so many at most: 0.2 MiB for our longest, far less for most. */
const MOST_NAMED = 64
/** Texts of lists, one for each length, come and go. */
const MOST_SEEN = 2_000

/**
 * Names statements for `PrismaPg`: one with a name is parsed and planned once by a connection and not each time, which is most of
 * what our long ones cost Postgres. The name is by text, from the second time on that a text comes; '' is no name.
 */
export function createStatementNames(): (query: { readonly sql: string }) => string {
  const names = new Map<string, string>()
  const seen = new Set<string>()
  return ({ sql }) => {
    const name = names.get(sql)
    if (name !== undefined) return name
    if (names.size === MOST_NAMED) return ''
    if (!seen.has(sql)) {
      if (seen.size === MOST_SEEN) seen.clear()
      seen.add(sql)
      return ''
    }
    seen.delete(sql)
    const next = `sluice_${names.size}`
    names.set(sql, next)
    return next
  }
}
