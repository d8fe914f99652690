/**
 * Headers a user cannot set: those that say how bytes travel (RFC 9110 section 7.6.1) and those that Sluice decides itself,
 * because its proofs rest on them.
 */
const OURS = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * The headers of a request to a source: `identity`, because bytes of an encoded answer are not bytes of the file; no Referer,
 * because links carry secrets; those of the user last, except where the target is of another origin than the one they were given for.
 */
export function requestHeaders(options: {
  readonly userAgent: string
  readonly userHeaders: Readonly<Record<string, string>> | null
  readonly range: { readonly startByte: number; readonly endByte: number } | null
}): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': options.userAgent, accept: '*/*' }
  for (const [name, value] of Object.entries(options.userHeaders ?? {})) {
    const lower = name.toLowerCase()
    if (!OURS.has(lower)) headers[lower] = value
  }
  headers['accept-encoding'] = 'identity'
  if (options.range) headers.range = rangeHeader(options.range.startByte, options.range.endByte)
  return headers
}

/** `[startByte, endByte)` in HTTP's inclusive form. Absolute ranges only: suffixes are not supported everywhere. */
function rangeHeader(startByte: number, endByte: number): string {
  return `bytes=${startByte}-${endByte - 1}`
}
