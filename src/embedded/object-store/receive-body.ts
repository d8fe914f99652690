import { createHash } from 'node:crypto'
import { AwsChunkedDecoder } from './aws-chunked-decoder.ts'
import { type DeclaredChecksum, startChecksum } from './checksum.ts'
import { payloadMode } from './payload-mode.ts'
import type { S3Request } from './request.ts'
import { S3Error } from './s3-error.ts'
import type { ChecksumAlgorithm, Checksums } from './stored-object.ts'
import type { VerifiedSignature } from './verify-signature.ts'

/** Where the bytes of a body go. `write` says false when the next chunk has to wait for `drained`. */
export interface BodySink {
  write(chunk: Buffer): boolean
  drained(): Promise<void>
}

export interface ReceivedBody {
  readonly sizeBytes: number
  /** Lower-case hex, or null where it was not asked for. */
  readonly md5: string | null
  readonly checksums: Checksums
}

interface Expectations {
  /** Whether an ETag is needed. A Content-MD5 header asks for it too. */
  readonly md5: boolean
  /** The checksum the request declares; verified. */
  readonly checksum: DeclaredChecksum | null
  /** A further checksum to compute, because the upload promises it. */
  readonly computed?: ChecksumAlgorithm | null
  readonly maxBytes: number
}

/**
 * Streams the body of a request into `sink`, hashing each byte only as often as was asked for, and proves it at the end: length,
 * declared SHA-256, chunk signatures, Content-MD5 and checksum. Nothing counts as received before this has returned.
 * Throws S3's errors; the connection cannot be reused after one.
 */
export async function receiveBody(
  request: S3Request,
  signature: VerifiedSignature,
  sink: BodySink,
  expect: Expectations,
): Promise<ReceivedBody> {
  const mode = payloadMode(signature.payloadHash)
  const declaredBytes = bodyLength(request, mode.chunked)
  if (declaredBytes > expect.maxBytes)
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size.', {
      details: { ProposedSize: declaredBytes, MaxSizeAllowed: expect.maxBytes },
    })
  const contentMd5 = readContentMd5(request)
  const md5 = expect.md5 || contentMd5 ? createHash('md5') : null
  const sha256 = mode.sha256 ? createHash('sha256') : null
  const algorithms = new Set<ChecksumAlgorithm>()
  if (expect.checksum) algorithms.add(expect.checksum.algorithm)
  if (expect.computed) algorithms.add(expect.computed)
  const running = [...algorithms].map((algorithm) => ({ algorithm, checksum: startChecksum(algorithm) }))
  let sizeBytes = 0
  let full = false
  const onData = (data: Buffer) => {
    sizeBytes += data.length
    if (sizeBytes > declaredBytes)
      throw new S3Error('InvalidRequest', 'The body is longer than its length header says.')
    md5?.update(data)
    sha256?.update(data)
    for (const { checksum } of running) checksum.update(data)
    if (!sink.write(data)) full = true
  }
  const decoder = mode.chunked
    ? new AwsChunkedDecoder({ onData, signing: mode.signedChunks ? signature : null, trailer: mode.trailer })
    : null

  request.wantBody()
  await eachChunk(request, (chunk) => {
    if (decoder) decoder.push(chunk)
    else onData(chunk)
    if (!full) return undefined
    full = false
    return sink.drained()
  })
  decoder?.finish()
  if (sizeBytes !== declaredBytes)
    throw new S3Error('IncompleteBody', 'You did not provide the number of bytes specified by the length header.')

  if (sha256 && mode.sha256 && sha256.digest('hex') !== mode.sha256)
    throw new S3Error(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
  const md5Bytes = md5?.digest() ?? null
  if (contentMd5 && md5Bytes && !contentMd5.equals(md5Bytes))
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  const checksums: Partial<Record<ChecksumAlgorithm, string>> = {}
  for (const { algorithm, checksum } of running) checksums[algorithm] = await checksum.digest()
  checkDeclared(expect.checksum, checksums, decoder)
  return { sizeBytes, md5: md5Bytes?.toString('hex') ?? null, checksums }
}

function checkDeclared(
  declared: DeclaredChecksum | null,
  checksums: Checksums,
  decoder: AwsChunkedDecoder | null,
): void {
  if (!declared) return
  const { algorithm } = declared
  const value = declared.value ?? decoder?.trailers.get(`x-amz-checksum-${algorithm}`)
  if (value === undefined)
    throw new S3Error(
      'MalformedTrailerError',
      `The trailer x-amz-checksum-${algorithm} was announced and did not come.`,
    )
  if (value !== checksums[algorithm])
    throw new S3Error(
      'BadDigest',
      `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
    )
}

/** The number of bytes of the decoded body. Throws MissingContentLength, InvalidArgument. */
function bodyLength(request: S3Request, chunked: boolean): number {
  const name = chunked ? 'x-amz-decoded-content-length' : 'content-length'
  const value = request.header(name)
  // A request without either length header or transfer coding has no body (RFC 9112 section 6.3).
  if (value === undefined && !chunked && request.header('transfer-encoding') === undefined && request.method !== 'PUT')
    return 0
  if (value === undefined) throw new S3Error('MissingContentLength', `You must provide the ${name} HTTP header.`)
  if (!/^\d{1,15}$/.test(value)) throw new S3Error('InvalidArgument', `The header ${name} is not a number of bytes.`)
  return Number(value)
}

function readContentMd5(request: S3Request): Buffer | null {
  const value = request.header('content-md5')
  if (value === undefined) return null
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== 16 || bytes.toString('base64') !== value)
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified is not valid.')
  return bytes
}

/**
 * Calls `take` for each chunk as it arrives, without an await per chunk: the request is paused only while a promise that
 * `take` returned is open. Throws IncompleteBody where the client goes away early.
 */
function eachChunk(request: S3Request, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  const { message } = request
  return new Promise((resolve, reject) => {
    let waiting: Promise<void> | null = null
    const done = (error?: unknown) => {
      message.off('data', onData)
      message.off('end', onEnd)
      message.off('close', onClose)
      message.off('error', onClose)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onData = (chunk: Buffer) => {
      try {
        const wait = take(chunk)
        if (!wait) return
        message.pause()
        waiting = wait
        wait.then(() => {
          waiting = null
          message.resume()
        }, done)
      } catch (error) {
        done(error)
      }
    }
    const onEnd = () => {
      // From here on closing is the normal course, also while the last write is still under way.
      message.off('close', onClose)
      if (waiting) waiting.then(() => done(), done)
      else done()
    }
    const onClose = () => done(new S3Error('IncompleteBody', 'The connection ended before the whole body had come.'))
    message.on('data', onData)
    message.on('end', onEnd)
    message.on('close', onClose)
    message.on('error', onClose)
  })
}

/** A sink that keeps a small body in memory. */
export function memorySink(): BodySink & { bytes(): Buffer } {
  const chunks: Buffer[] = []
  return {
    write: (chunk) => {
      chunks.push(chunk)
      return true
    },
    drained: () => Promise.resolve(),
    bytes: () => Buffer.concat(chunks),
  }
}
