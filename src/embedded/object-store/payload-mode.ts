import { S3Error } from './s3-error.ts'

/** How the body of a request is framed and what vouches for it (x-amz-content-sha256). */
export interface PayloadMode {
  /** aws-chunked: sizes (and signatures) between the bytes. */
  readonly chunked: boolean
  readonly signedChunks: boolean
  readonly trailer: boolean
  /** The hash that the whole body must have, or null where none was declared. */
  readonly sha256: string | null
}

const STREAMING: Record<string, Omit<PayloadMode, 'sha256'>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { chunked: true, signedChunks: true, trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { chunked: true, signedChunks: true, trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { chunked: true, signedChunks: false, trailer: true },
}

/** Reads x-amz-content-sha256. Throws InvalidArgument for what is neither a hash nor a form that S3 knows. */
export function payloadMode(payloadHash: string): PayloadMode {
  const streaming = STREAMING[payloadHash]
  if (streaming) return { ...streaming, sha256: null }
  const plain = { chunked: false, signedChunks: false, trailer: false }
  if (payloadHash === 'UNSIGNED-PAYLOAD') return { ...plain, sha256: null }
  if (/^[0-9a-f]{64}$/i.test(payloadHash)) return { ...plain, sha256: payloadHash.toLowerCase() }
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING form with AWS4-HMAC-SHA256, or a SHA-256 in hex.',
  )
}
