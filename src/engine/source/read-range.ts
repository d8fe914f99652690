import type { OpenResponse } from './exchange.ts'
import { followRemembered, type SourceContext } from './follow.ts'
import { headerOf } from './http-transport.ts'
import { answerIdentity, compareIdentity } from './identity.ts'
import { takeOpened } from './opened-response.ts'
import { judgeRange, parseContentRange } from './range-proof.ts'
import type { RangeRequest, ReadResult, SourceRead } from './source.ts'
import { encoded, rangeRefused, sourceChanged, statusFailure, tooLong, truncated } from './source-failure.ts'
import { startRead } from './start-read.ts'

/**
 * Reads `[startByte, endByte)`. Before the first byte reaches the sink the answer is proven: the exact Content-Range, the pinned
 * identity, no Content-Encoding; then exactly that many bytes come, or it fails.
 */
export function readRange(context: SourceContext, request: RangeRequest): SourceRead {
  return startRead(async (attach) => {
    const expectedBytes = request.endByte - request.startByte
    if (expectedBytes <= 0) return { bytes: 0, lengthVerified: true }
    const { target, signal } = request
    const response =
      takeOpened(request.opened, signal) ?? (await followRemembered(context, target, request, signal)).response
    try {
      proveRange(response, request)
    } catch (error) {
      response.discard()
      throw error
    }
    attach(response)
    return readExactly(response, expectedBytes, request)
  })
}

/** Throws where the answer is not the range that was asked for, of the file that was pinned. */
function proveRange(response: OpenResponse, request: RangeRequest): void {
  const { url, statusCode } = response
  const { identity, startByte, endByte } = request
  if (statusCode === 416) {
    const totalBytes = parseContentRange(headerOf(response, 'content-range'))?.totalBytes ?? null
    if (totalBytes !== null && identity.sizeBytes !== null && totalBytes !== identity.sizeBytes)
      throw sourceChanged(url, { validator: 'size', pinned: String(identity.sizeBytes), seen: String(totalBytes) })
    throw rangeRefused(url, 'said that there is no such range (416)')
  }
  if (statusCode !== 200 && statusCode !== 206) throw statusFailure(response, url)
  const verdict = judgeRange(response, startByte, endByte)
  if (verdict.kind === 'encoded') throw encoded(url, verdict.encoding)
  if (verdict.kind === 'whole') throw rangeRefused(url, 'the whole file (200)')
  if (verdict.kind === 'other') throw rangeRefused(url, verdict.reason)
  const difference = compareIdentity(identity, answerIdentity(response, verdict.totalBytes))
  if (!difference.same) throw sourceChanged(url, difference)
  if (verdict.totalBytes === null && identity.sizeBytes !== null && difference.proof !== 'etag')
    throw rangeRefused(url, 'a range of a file of unknown length')
}

/** Reads a proven body into the sink; fails where it is longer or shorter than so many bytes. */
export async function readExactly(
  response: OpenResponse,
  expectedBytes: number,
  { sink, place }: Pick<RangeRequest, 'sink' | 'place'>,
): Promise<ReadResult> {
  let receivedBytes = 0
  const end = await response.read((chunk) => {
    receivedBytes += chunk.byteLength
    if (receivedBytes > expectedBytes) throw tooLong(response.url, expectedBytes)
    // After the last byte only the end is read, so a pause there would wait for nothing.
    return sink(chunk) || receivedBytes === expectedBytes
  }, place)
  if (end.receivedBytes < expectedBytes) throw truncated(response.url, end.receivedBytes, expectedBytes)
  return { bytes: end.receivedBytes, lengthVerified: true }
}
