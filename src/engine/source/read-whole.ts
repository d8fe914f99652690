import { MAX_OBJECT_BYTES } from '../../server/domain/transfer-input.ts'
import type { OpenResponse } from './exchange.ts'
import { followRemembered, type SourceContext } from './follow.ts'
import { headerOf } from './http-transport.ts'
import { answerIdentity, compareIdentity } from './identity.ts'
import { takeOpened } from './opened-response.ts'
import { contentEncodingOf, parseContentLength } from './range-proof.ts'
import type { ReadResult, SourceRead, WholeRequest } from './source.ts'
import {
  connectionFailure,
  encoded,
  protocolError,
  sourceChanged,
  statusFailure,
  tooLarge,
  tooLong,
  truncated,
} from './source-failure.ts'
import { startRead } from './start-read.ts'

/**
 * Reads the whole file with one GET without Range. The identity is held against what was pinned, the bytes are counted
 * against Content-Length and the pinned size. A compressed answer of unknown size is passed on as received (case 18).
 */
export function readWhole(context: SourceContext, request: WholeRequest): SourceRead {
  return startRead(async (attach) => {
    const { target, signal } = request
    const response =
      takeOpened(request.opened, signal) ?? (await followRemembered(context, target, null, signal)).response
    let declaredBytes: number | null
    try {
      declaredBytes = proveWhole(response, request)
    } catch (error) {
      response.discard()
      throw error
    }
    attach(response)
    return readToEnd(response, declaredBytes, request)
  })
}

/** Throws where the answer is not the whole of the pinned file; returns the length it declares, or null. */
function proveWhole(response: OpenResponse, { identity }: WholeRequest): number | null {
  const { url, statusCode } = response
  if (statusCode === 206) throw protocolError(url, 'it sent a part of the file (206) where all of it was asked for')
  if (statusCode !== 200) throw statusFailure(response, url)
  const encoding = contentEncodingOf(response)
  if (encoding !== null && identity.sizeBytes !== null) throw encoded(url, encoding)
  const declaredBytes = parseContentLength(response)
  if (headerOf(response, 'content-range') !== null)
    throw protocolError(url, 'it sent a Content-Range where the whole file was asked for')
  const difference = compareIdentity(identity, answerIdentity(response, declaredBytes))
  if (!difference.same) throw sourceChanged(url, difference)
  if (declaredBytes !== null && declaredBytes > MAX_OBJECT_BYTES) throw tooLarge(declaredBytes, MAX_OBJECT_BYTES)
  return declaredBytes
}

async function readToEnd(
  response: OpenResponse,
  declaredBytes: number | null,
  request: WholeRequest,
): Promise<ReadResult> {
  const expectedBytes = declaredBytes ?? request.identity.sizeBytes
  const limitBytes = expectedBytes ?? MAX_OBJECT_BYTES
  let receivedBytes = 0
  const end = await response.read((chunk) => {
    receivedBytes += chunk.byteLength
    if (receivedBytes > limitBytes)
      throw expectedBytes === null ? tooLarge(receivedBytes, MAX_OBJECT_BYTES) : tooLong(response.url, expectedBytes)
    return request.sink(chunk) || receivedBytes === expectedBytes
  }, request.place)
  if (expectedBytes !== null && end.receivedBytes < expectedBytes)
    throw truncated(response.url, end.receivedBytes, expectedBytes)
  const isChunked = /(^|,)\s*chunked\s*$/i.test(headerOf(response, 'transfer-encoding') ?? '')
  const lengthVerified = expectedBytes !== null || isChunked
  if (!lengthVerified && end.isReset)
    throw connectionFailure(new Error('reset'), {
      url: response.url,
      stage: 'body',
      receivedBytes: end.receivedBytes,
    })
  return { bytes: end.receivedBytes, lengthVerified }
}
