import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { AwsChunkedDecoder } from '../../src/embedded/object-store/aws-chunked-decoder.ts'
import { combineCrc32c, encodeCrc32c, updateCrc32c } from '../../src/engine/upload/crc32c.ts'
import type { StoredObject } from './store.ts'

interface KeptObject extends StoredObject {
  readonly etag: string
  readonly metadata: Record<string, string>
  readonly hasFullObjectChecksum: boolean
}
interface Upload {
  readonly key: string
  readonly metadata: Record<string, string>
  readonly hasFullObjectChecksum: boolean
  readonly parts: Map<number, StoredObject>
}

/** A refusal in S3's form. */
class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

/**
 * An S3 that keeps no byte: of each part only its size and CRC32C, which it computes itself and holds against what the client sent
 * in a header or trailer. One bucket, path style; signatures are not looked at. Objects cannot be read back.
 */
export function createDiscardStore(latencyMs: number) {
  const objects = new Map<string, KeptObject>()
  const uploads = new Map<string, Upload>()
  const counts = { requests: 0, bytes: 0 }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    counts.requests++
    if (latencyMs > 0) await delay(latencyMs)
    const url = new URL(request.url ?? '/', 'http://store')
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'))
    try {
      await (key === '' ? answerBucket(url, request, response) : answerObject(url, key, request, response))
    } catch (error) {
      const { status, code } = error instanceof Refusal ? error : new Refusal(400, 'InvalidRequest')
      request.resume()
      const body = request.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>${code}</Message></Error>`
      response.writeHead(status, { 'content-type': 'application/xml' }).end(body)
    }
  }

  async function answerBucket(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    await drain(request)
    if (request.method !== 'GET') return void response.writeHead(200).end()
    const name = url.searchParams.has('uploads') ? 'ListMultipartUploadsResult' : 'ListBucketResult'
    sendXml(response, `<${name}><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></${name}>`)
  }

  async function answerObject(
    url: URL,
    key: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const uploadId = url.searchParams.get('uploadId')
    const upload = uploadId === null ? null : uploads.get(uploadId)
    if (upload === undefined || (upload !== null && upload.key !== key)) throw new Refusal(404, 'NoSuchUpload')
    const method = request.method ?? ''
    if (method === 'POST' && url.searchParams.has('uploads')) return create(key, request, response)
    if (upload !== null && uploadId !== null) {
      if (method === 'PUT') return putPart(upload, Number(url.searchParams.get('partNumber')), request, response)
      if (method === 'POST') return complete(uploadId, upload, request, response)
      if (method === 'GET') return sendXml(response, listOf(uploadId, upload))
      uploads.delete(uploadId)
      return void response.writeHead(204).end()
    }
    if (method === 'PUT') return putObject(key, request, response)
    const object = objects.get(key)
    if (method === 'DELETE') {
      objects.delete(key)
      return void response.writeHead(204).end()
    }
    if (!object) throw new Refusal(404, 'NoSuchKey')
    if (method !== 'HEAD') throw new Refusal(501, 'NotImplemented')
    response.writeHead(200, {
      'content-length': object.sizeBytes,
      etag: object.etag,
      'last-modified': new Date().toUTCString(),
      ...object.metadata,
      ...(object.hasFullObjectChecksum
        ? { 'x-amz-checksum-crc32c': object.crc32c, 'x-amz-checksum-type': 'FULL_OBJECT' }
        : {}),
    })
    response.end()
  }

  async function create(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    await drain(request)
    const uploadId = randomUUID()
    const hasFullObjectChecksum = request.headers['x-amz-checksum-type'] === 'FULL_OBJECT'
    uploads.set(uploadId, { key, metadata: metadataOf(request), hasFullObjectChecksum, parts: new Map() })
    const body = `<Bucket>bench</Bucket><Key>${escapeXml(key)}</Key><UploadId>${uploadId}</UploadId>`
    sendXml(response, `<InitiateMultipartUploadResult>${body}</InitiateMultipartUploadResult>`)
  }

  async function putPart(upload: Upload, number: number, request: IncomingMessage, response: ServerResponse) {
    const part = await digest(request, counts)
    upload.parts.set(number, part)
    response.writeHead(200, { etag: etagOf(part, ''), 'x-amz-checksum-crc32c': part.crc32c }).end()
  }

  async function putObject(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers['if-none-match'] === '*' && objects.has(key)) throw new Refusal(412, 'PreconditionFailed')
    const object = await digest(request, counts)
    const etag = etagOf(object, '')
    objects.set(key, { ...object, etag, metadata: metadataOf(request), hasFullObjectChecksum: true })
    response.writeHead(200, { etag }).end()
  }

  async function complete(uploadId: string, upload: Upload, request: IncomingMessage, response: ServerResponse) {
    const wanted = [...(await drain(request)).matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, n]) => Number(n))
    const { key, metadata, hasFullObjectChecksum } = upload
    if (request.headers['if-none-match'] === '*' && objects.has(key)) throw new Refusal(412, 'PreconditionFailed')
    const parts = wanted.map((number) => upload.parts.get(number))
    if (parts.length === 0 || !parts.every((part) => part !== undefined)) throw new Refusal(400, 'InvalidPart')
    const crc32c = combineCrc32c(parts)
    const claimed = request.headers['x-amz-checksum-crc32c']
    if (hasFullObjectChecksum && claimed !== undefined && claimed !== crc32c) throw new Refusal(400, 'BadDigest')
    const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
    const etag = etagOf({ sizeBytes, crc32c }, `-${parts.length}`)
    objects.set(key, { sizeBytes, crc32c, etag, metadata, hasFullObjectChecksum })
    uploads.delete(uploadId)
    const body = `<Bucket>bench</Bucket><Key>${escapeXml(key)}</Key><ETag>${escapeXml(etag)}</ETag>`
    sendXml(response, `<CompleteMultipartUploadResult>${body}</CompleteMultipartUploadResult>`)
  }

  return {
    answer,
    counts: () => counts,
    object: (key: string): StoredObject | null => objects.get(key) ?? null,
    clear() {
      objects.clear()
      uploads.clear()
    },
  }
}

/** Reads the body of an object or part and throws `BadDigest` where the client's own CRC32C is another. */
async function digest(request: IncomingMessage, counts: { bytes: number }): Promise<StoredObject> {
  let crc = 0
  let sizeBytes = 0
  const take = (bytes: Buffer) => {
    crc = updateCrc32c(bytes, crc)
    sizeBytes += bytes.length
  }
  const isFramed = String(request.headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-')
  const decoder = isFramed ? new AwsChunkedDecoder({ onData: take, signing: null, trailer: true }) : null
  await new Promise<void>((settle, fail) => {
    request.on('data', (bytes: Buffer) => {
      try {
        if (decoder) decoder.push(bytes)
        else take(bytes)
      } catch (error) {
        fail(error)
      }
    })
    request.once('end', settle)
    request.once('error', fail)
    request.once('close', () => fail(new Refusal(400, 'IncompleteBody')))
  })
  decoder?.finish()
  counts.bytes += sizeBytes
  const crc32c = encodeCrc32c(crc)
  const claimed = decoder?.trailers.get('x-amz-checksum-crc32c') ?? request.headers['x-amz-checksum-crc32c']
  if (claimed !== undefined && claimed !== crc32c) throw new Refusal(400, 'BadDigest')
  return { sizeBytes, crc32c }
}

async function drain(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

function sendXml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`)
}

function listOf(uploadId: string, upload: Upload): string {
  const parts = [...upload.parts].map(
    ([number, part]) =>
      `<Part><PartNumber>${number}</PartNumber><Size>${part.sizeBytes}</Size><ETag>${escapeXml(etagOf(part, ''))}</ETag></Part>`,
  )
  return `<ListPartsResult><UploadId>${uploadId}</UploadId><IsTruncated>false</IsTruncated>${parts.join('')}</ListPartsResult>`
}

function metadataOf(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-meta-'))
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

/** Not in the form of an MD5, which clients would hold against their own. */
function etagOf(object: StoredObject, suffix: string): string {
  return `"crc32c-${Buffer.from(object.crc32c, 'base64').toString('hex')}-${object.sizeBytes}${suffix}"`
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
