import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

const OF_CHECKSUMS = /^x-amz-(checksum|sdk-checksum|trailer)/
const IN_XML = /<(Checksum[A-Z0-9]+)>[^<]*<\/\1>/g

/** Headers and body of a request without all that says a checksum, signed anew: what a store reads that knows of none. */
export async function withoutChecksums(
  message: IncomingMessage,
  secretAccessKey: string,
): Promise<{ headers: Record<string, string>; body: Readable }> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers))
    if (typeof value === 'string' && !OF_CHECKSUMS.test(name)) headers[name] = value
  let body: Readable = message
  if (message.method === 'POST') {
    const text = Buffer.concat(await message.toArray()).toString('utf8')
    const bytes = Buffer.from(text.replace(IN_XML, ''))
    headers['x-amz-content-sha256'] = sha256(bytes)
    if (bytes.length > 0) headers['content-length'] = String(bytes.length)
    body = Readable.from([bytes])
  }
  sign(message, headers, secretAccessKey)
  return { headers, body }
}

/** The headers of a request without its If-Match, signed anew. */
export function withoutIfMatch(message: IncomingMessage, secretAccessKey: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers))
    if (typeof value === 'string' && name !== 'if-match') headers[name] = value
  sign(message, headers, secretAccessKey)
  return headers
}

/** What a store that knows no checksums leaves out of its answers; names and values in turn, as node has them. */
export function withoutChecksumHeaders(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => !OF_CHECKSUMS.test((rawHeaders[index & ~1] ?? '').toLowerCase()))
}

/** Signature Version 4 over what is left ("Authenticating Requests: Using the Authorization Header", Amazon S3 API Reference). */
function sign(message: IncomingMessage, headers: Record<string, string>, secretAccessKey: string): void {
  const [, accessKeyId, date = '', region = '', signed = ''] =
    /Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+)/.exec(
      headers.authorization ?? '',
    ) ?? []
  const names = signed.split(';').filter((name) => headers[name] !== undefined)
  const [path = '/', query = ''] = (message.url ?? '/').split('?')
  const parameters = query.split('&').filter((each) => each !== '')
  const canonicalQuery = parameters
    .map((each) => (each.includes('=') ? each : `${each}=`))
    .sort()
    .join('&')
  const lines = names.map((name) => `${name}:${headers[name]?.trim().replace(/ +/g, ' ')}\n`).join('')
  const canonical = [
    message.method,
    path,
    canonicalQuery,
    lines,
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n')
  const scope = `${date}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n')
  const key = [date, region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (from, part) => hmac(from, part),
    `AWS4${secretAccessKey}`,
  )
  const signature = hmac(key, toSign).toString('hex')
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
