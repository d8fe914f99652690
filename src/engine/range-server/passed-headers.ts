import type { OriginHeaders } from './freshness.ts'

/** Between two neighbours only (RFC 9110 section 7.6.1), or written by the range server itself. */
const OURS = new Set([
  'age',
  'accept-ranges',
  'connection',
  // Of the very bytes the origin sent, which were perhaps one of the file (RFC 9530 section 2, RFC 1864).
  'content-digest',
  'content-length',
  'content-md5',
  'content-range',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What says something to a browser about a whole site, or about a person: this host is not theirs. */
const WITHHELD = new Set([
  'alt-svc',
  'authentication-info',
  'clear-site-data',
  'content-security-policy',
  'content-security-policy-report-only',
  'cross-origin-embedder-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'expect-ct',
  'link',
  'location',
  'nel',
  'origin-agent-cluster',
  'permissions-policy',
  'public-key-pins',
  'refresh',
  'report-to',
  'reporting-endpoints',
  'server',
  'service-worker-allowed',
  'set-cookie',
  'sourcemap',
  'strict-transport-security',
  'www-authenticate',
  'x-frame-options',
  'x-powered-by',
])

/** Types that a browser would run or draw as a page of this host; anywhere in a list, because of several it takes the last. */
const ACTIVE_TYPE =
  /(^|,)\s*(text\/(html|xml|xsl|javascript)|application\/([\w.-]+\+)?(xml|javascript|pdf)|image\/svg)/i

/**
 * The header fields of the origin that readers get (RFC 9111 section 3.1), by lower-case name. None that repeats a secret of ours, none that
 * belongs to one connection, and none that would speak for this host.
 */
export function passedHeaders(headers: OriginHeaders, secrets: readonly string[]): Record<string, string> {
  const connection = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || OURS.has(name) || WITHHELD.has(name) || connection.has(name)) continue
    const text = Array.isArray(value) ? value.join(', ') : value
    if (secrets.some((secret) => text.includes(secret)) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) continue
    passed[name] = text
  }
  return passed
}

/** Values of an origin's own headers that must never come back: whole ones, and what follows a scheme such as Bearer. */
export function secretsOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/).slice(1)])
    .filter((value) => value.length >= 8)
}

/**
 * What makes bytes that anybody may have chosen harmless on this host: never sniffed, never a page with rights, and what a browser would run
 * is a download (reliability.md section 3.2). `cache-control` of what is not public keeps it out of shared caches.
 */
export function safetyHeaders(passed: Readonly<Record<string, string>>, isPublic: boolean): Record<string, string> {
  const safe: Record<string, string> = {
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': isPublic ? 'cross-origin' : 'same-site',
  }
  const type = passed['content-type']
  const disposition = passed['content-disposition']
  if (type !== undefined && ACTIVE_TYPE.test(type))
    safe['content-disposition'] =
      disposition === undefined ? 'attachment' : disposition.replace(/^\s*[^;]*/, 'attachment')
  if (!isPublic) safe['cache-control'] = `private, ${maxAge(passed['cache-control'])}`
  return safe
}

function maxAge(cacheControl: string | undefined): string {
  const match = /(?:^|[\s,])max-age=(\d{1,10})/i.exec(cacheControl ?? '')
  return match && !/no-cache|no-store/i.test(cacheControl ?? '') ? `max-age=${match[1]}` : 'no-cache'
}
