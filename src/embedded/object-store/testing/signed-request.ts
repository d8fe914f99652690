import { createHash } from 'node:crypto'
import { canonicalRequest, parseQuery, stringToSign, uriEncode } from '../canonical-request.ts'
import { deriveSigningKey, hmacHex, type VerifiedSignature } from '../verify-signature.ts'

export const TEST_KEYS = { accessKeyId: 'TESTKEY', secretAccessKey: 'test-secret-key', region: 'us-east-1' } as const

export interface SigningInput {
  readonly method: string
  /** Path and query as they go over the wire. */
  readonly target: string
  readonly host: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payloadHash: string
  readonly at?: Date
  readonly keys?: { accessKeyId: string; secretAccessKey: string; region: string }
}

/** The headers of a request with its Authorization, and what its chunks are signed with. For tests: it signs as a client does. */
export function signHeaders(input: SigningInput): { headers: Record<string, string>; signature: VerifiedSignature } {
  const keys = input.keys ?? TEST_KEYS
  const amzDate = toAmzDate(input.at ?? new Date())
  const headers: Record<string, string> = {
    host: input.host,
    'x-amz-date': amzDate,
    'x-amz-content-sha256': input.payloadHash,
    ...input.headers,
  }
  const signedHeaders = Object.keys(headers).sort()
  const scope = `${amzDate.slice(0, 8)}/${keys.region}/s3/aws4_request`
  const canonical = canonicalRequest(toSigned(input, headers), signedHeaders, input.payloadHash)
  const signingKey = deriveSigningKey(keys.secretAccessKey, amzDate.slice(0, 8), keys.region)
  const signature = hmacHex(signingKey, stringToSign(amzDate, scope, canonical))
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  return { headers, signature: { payloadHash: input.payloadHash, signature, amzDate, scope, signingKey } }
}

/** A presigned target (path and query) for `host`. */
export function presign(input: Omit<SigningInput, 'payloadHash'> & { readonly expiresSeconds: number }): string {
  const keys = input.keys ?? TEST_KEYS
  const amzDate = toAmzDate(input.at ?? new Date())
  const scope = `${amzDate.slice(0, 8)}/${keys.region}/s3/aws4_request`
  const query = [
    'X-Amz-Algorithm=AWS4-HMAC-SHA256',
    `X-Amz-Credential=${uriEncode(`${keys.accessKeyId}/${scope}`)}`,
    `X-Amz-Date=${amzDate}`,
    `X-Amz-Expires=${input.expiresSeconds}`,
    'X-Amz-SignedHeaders=host',
  ].join('&')
  const target = `${input.target}${input.target.includes('?') ? '&' : '?'}${query}`
  const canonical = canonicalRequest(toSigned({ ...input, target }, { host: input.host }), ['host'], 'UNSIGNED-PAYLOAD')
  const signingKey = deriveSigningKey(keys.secretAccessKey, amzDate.slice(0, 8), keys.region)
  return `${target}&X-Amz-Signature=${hmacHex(signingKey, stringToSign(amzDate, scope, canonical))}`
}

/** An aws-chunked body with signed chunks, and its trailer where one is given. */
export function signedChunks(
  chunks: readonly Buffer[],
  signature: VerifiedSignature,
  trailer: Readonly<Record<string, string>> | null,
): Buffer {
  const emptyHash = sha256('')
  const pieces: Buffer[] = []
  let previous = signature.signature
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    previous = hmacHex(
      signature.signingKey,
      `AWS4-HMAC-SHA256-PAYLOAD\n${signature.amzDate}\n${signature.scope}\n${previous}\n${emptyHash}\n${sha256(chunk)}`,
    )
    pieces.push(Buffer.from(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`), chunk)
    if (chunk.length > 0) pieces.push(Buffer.from('\r\n'))
  }
  if (trailer) {
    const lines = Object.entries(trailer).map(([name, value]) => `${name}:${value}`)
    const hash = sha256(lines.map((line) => `${line}\n`).join(''))
    const signed = hmacHex(
      signature.signingKey,
      `AWS4-HMAC-SHA256-TRAILER\n${signature.amzDate}\n${signature.scope}\n${previous}\n${hash}`,
    )
    pieces.push(Buffer.from(`${lines.join('\r\n')}\r\nx-amz-trailer-signature:${signed}\r\n`))
  }
  return Buffer.concat([...pieces, Buffer.from('\r\n')])
}

export function sha256(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function toSigned(input: { method: string; target: string }, headers: Readonly<Record<string, string>>) {
  const [rawPath = '/', rawQuery = ''] = input.target.split('?', 2)
  return {
    method: input.method,
    rawPath,
    query: parseQuery(rawQuery),
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]])),
  }
}

function toAmzDate(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, '')
}
