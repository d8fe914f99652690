const ORIGIN = 'http://origin.invalid'

/**
 * A path below an origin, with its query, as it is written into a request line and into a link: what is encoded stays so, what may not
 * stand there is encoded (URL Standard, path and query state). A `?` begins the query; one that is part of a name is given as `%3F`.
 * Null where it names no file: empty, only slashes, or an address with a scheme.
 */
export function linkTarget(path: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) return null
  // A URL parser would take these for something else: a fragment, a slash, nothing, or the beginning of an encoded byte.
  const text = path
    .replace(/^\/+/, '')
    .replace(/[#\\\t\r\n]/g, encodeURIComponent)
    .replace(/%(?![0-9a-f]{2})/gi, '%25')
  const url = URL.parse(`${ORIGIN}/${text}`)
  if (url === null || url.origin !== ORIGIN) return null
  const target = `${url.pathname.slice(1)}${url.search}`
  return target === '' ? null : target
}
