import type { IncomingMessage } from 'node:http'
import type { S3Request } from './request.ts'
import type { S3Error } from './s3-error.ts'
import { type XmlElements, xmlDocument } from './xml.ts'

export type AnswerHeaders = Record<string, string | number>

/** Answers without a body. */
export function respondEmpty(request: S3Request, status: number, headers: AnswerHeaders = {}): void {
  const length = status === 204 || status === 304 ? {} : { 'content-length': 0 }
  request.response.writeHead(status, { ...length, ...headers })
  request.response.end()
}

/** Answers with an XML document. */
export function respondXml(request: S3Request, root: string, elements: XmlElements, headers: AnswerHeaders = {}): void {
  const body = xmlDocument(root, elements)
  request.response.writeHead(200, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
    ...headers,
  })
  request.response.end(body)
}

/**
 * Answers with S3's error document; HEAD and 304 have no body. The connection is closed where the request's body has not been
 * read to its end, since what is left of it would be taken for the next request.
 */
export function respondError(
  request: Pick<S3Request, 'message' | 'response' | 'rawPath'>,
  error: S3Error,
  requestId: string,
): void {
  const { message, response } = request
  const unread = !message.complete && hasBody(message)
  const headers: AnswerHeaders = { ...error.headers, ...(unread ? { connection: 'close' } : {}) }
  if (message.method === 'HEAD' || error.status === 304) {
    response.writeHead(error.status, headers)
    response.end()
  } else {
    const body = xmlDocument(
      'Error',
      { Code: error.code, Message: error.message, ...error.details, Resource: request.rawPath, RequestId: requestId },
      { namespace: false },
    )
    response.writeHead(error.status, {
      'content-type': 'application/xml',
      'content-length': Buffer.byteLength(body),
      ...headers,
    })
    response.end(body)
  }
  if (unread) drain(request)
}

/** Whether the request announced a body. */
export function hasBody(message: IncomingMessage): boolean {
  const length = message.headers['content-length']
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** How long and how much of an unwanted body is still taken in, so that the client reads the answer before the reset. */
const DRAIN_MS = 3_000
const DRAIN_BYTES = 64 * 1024 * 1024

function drain({ message, response }: Pick<S3Request, 'message' | 'response'>): void {
  let drained = 0
  const timer = setTimeout(() => message.destroy(), DRAIN_MS)
  message.on('data', (chunk: Buffer) => {
    drained += chunk.length
    if (drained > DRAIN_BYTES) message.destroy()
  })
  message.on('error', () => undefined)
  message.on('close', () => clearTimeout(timer))
  response.on('close', () => clearTimeout(timer))
  message.resume()
}
