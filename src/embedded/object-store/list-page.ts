/** What a listing asks for. All keys are bytes, because S3 orders by them. */
export interface PageRequest {
  readonly prefix: Buffer
  /** Empty for none. */
  readonly delimiter: Buffer
  /** Names behind this one only; a common prefix here means: behind everything under it. Empty for the beginning. */
  readonly after: Buffer
  /** Whether `after` was given by us as the last name of a page, or a common prefix that has been shown. */
  readonly afterIsShown: boolean
  readonly limit: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly commonPrefixes: readonly Buffer[]
  /** The last name on this page where more follow, else null. */
  readonly next: Buffer | null
}

/** Rows per question to the catalog. */
const BATCH = 1000

/**
 * One page of names in the order of their bytes, those with the delimiter behind the prefix rolled up into common prefixes. A common
 * prefix counts as one name; all under it is skipped with one question, however many keys there are.
 * `fetch` gives up to `limit` items with from <= key < before, in order.
 */
export function listPage<Item extends { readonly key: Buffer }>(
  request: PageRequest,
  fetch: (from: Buffer, before: Buffer | null, limit: number) => readonly Item[],
): Page<Item> {
  const { prefix, delimiter, after, limit } = request
  const items: Item[] = []
  const commonPrefixes: Buffer[] = []
  const before = successor(prefix)
  let from = after.length === 0 ? prefix : max(prefix, startBehind(request))
  let last: Buffer | null = null
  if (limit === 0) return { items, commonPrefixes, next: null }
  for (;;) {
    const batch = fetch(from, before, Math.min(BATCH, limit + 1))
    if (batch.length === 0) return { items, commonPrefixes, next: null }
    let skipped = false
    for (const item of batch) {
      if (items.length + commonPrefixes.length === limit) return { items, commonPrefixes, next: last }
      const common = commonPrefix(item.key, prefix, delimiter)
      if (!common) {
        items.push(item)
        last = item.key
        from = justBehind(item.key)
        continue
      }
      commonPrefixes.push(common)
      last = common
      const behind = successor(common)
      if (!behind) return { items, commonPrefixes, next: null }
      from = behind
      skipped = true
      break
    }
    if (!skipped && batch.length < Math.min(BATCH, limit + 1)) return { items, commonPrefixes, next: null }
  }
}

/** The part of the key up to and with the first delimiter behind the prefix, or null. */
export function commonPrefix(key: Buffer, prefix: Buffer, delimiter: Buffer): Buffer | null {
  if (delimiter.length === 0) return null
  const at = key.indexOf(delimiter, prefix.length)
  return at === -1 ? null : key.subarray(0, at + delimiter.length)
}

/** The first byte string that does not begin with `prefix` and is behind all that do; null where there is none. */
export function successor(prefix: Buffer): Buffer | null {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end--
  if (end === 0) return null
  const bytes = Buffer.from(prefix.subarray(0, end))
  bytes[end - 1] = (bytes[end - 1] ?? 0) + 1
  return bytes
}

function startBehind({ prefix, delimiter, after, afterIsShown }: PageRequest): Buffer {
  // A page that ended with the common prefix a/ goes on behind all of a/, not with a/ once more.
  const isCommonPrefix =
    afterIsShown && after.length > prefix.length && commonPrefix(after, prefix, delimiter)?.equals(after) === true
  return (isCommonPrefix ? successor(after) : null) ?? justBehind(after)
}

function justBehind(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}

function max(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) >= 0 ? a : b
}
