import type { Warning } from '../../server/domain/failure.ts'
import { MAX_OBJECT_BYTES } from '../../server/domain/transfer-input.ts'
import type { OpenResponse } from './exchange.ts'
import { fileNameOf } from './file-name.ts'
import { type Followed, firstRoute, follow, type SourceContext } from './follow.ts'
import { headerOf } from './http-transport.ts'
import { answerIdentity, identityProof } from './identity.ts'
import { probeWarnings, type RangeRefusal } from './probe-warnings.ts'
import { contentEncodingOf, judgeRange, parseContentLength, parseContentRange } from './range-proof.ts'
import type { SourceIdentity, SourceProbe, SourceTarget } from './source.ts'
import { statusFailure, tooLarge } from './source-failure.ts'

/** What the answers say about size and ranges. `refusal`: why ranges cannot be used, null where they can. */
interface Finding {
  readonly followed: Followed
  readonly sizeBytes: number | null
  readonly refusal: RangeRefusal | null
}

/** Statuses some servers give to a Range they do not understand, where a plain GET works. */
const RANGE_MAY_BE_TO_BLAME = new Set([400, 405, 416, 501])

/**
 * Finds out what is at a URL with a GET of `bytes=0-0`: Accept-Ranges is only a hint and HEAD is unreliable (correctness.md
 * cases 7 and 8). What does not answer that rightly is asked once more without Range, and read as one stream (case 6).
 * No body is read. Throws the failure of the source where there is no file to read.
 */
export async function probe(context: SourceContext, target: SourceTarget, signal: AbortSignal): Promise<SourceProbe> {
  const start = firstRoute(context, target)
  const ranged = await follow(context, target, start, { startByte: 0, endByte: 1 }, signal)
  ranged.response.discard()
  const finding = judgeProbe(ranged) ?? (await askWithoutRange(context, target, signal, ranged.response))
  const { response, route } = finding.followed
  if (finding.sizeBytes !== null && finding.sizeBytes > MAX_OBJECT_BYTES)
    throw tooLarge(finding.sizeBytes, MAX_OBJECT_BYTES)
  context.routes.remember(target, route)
  const { etag, lastModified } = answerIdentity(response, null)
  const identity: SourceIdentity = {
    sizeBytes: finding.sizeBytes,
    etag,
    lastModified,
    acceptsRanges: finding.refusal === null && finding.sizeBytes !== 0,
  }
  const name = fileNameOf(headerOf(response, 'content-disposition'), start.url, route.url)
  const warnings: Warning[] = probeWarnings({
    name,
    identity,
    proof: identityProof(identity),
    refusal: finding.refusal,
    encoding: contentEncodingOf(response),
    contentType: headerOf(response, 'content-type'),
    disposition: headerOf(response, 'content-disposition'),
    start: start.url,
    end: route.url,
  })
  return { identity, name, contentType: headerOf(response, 'content-type'), headers: response.headers, warnings }
}

/** What the answer to `bytes=0-0` shows; null where only a plain GET can tell. Throws for a failure. */
function judgeProbe(followed: Followed): Finding | null {
  const { response } = followed
  if (response.statusCode === 416 && parseContentRange(headerOf(response, 'content-range'))?.totalBytes === 0)
    return { followed, sizeBytes: 0, refusal: null }
  if (response.statusCode === 200 || response.statusCode === 206) {
    const verdict = judgeRange(response, 0, 1)
    if (verdict.kind === 'range' && verdict.totalBytes !== null)
      return { followed, sizeBytes: verdict.totalBytes, refusal: null }
    if (response.statusCode === 206 || headerOf(response, 'content-range') !== null) return null
    return { followed, sizeBytes: wholeSize(response), refusal: verdict.kind === 'encoded' ? 'encoded' : 'ignored' }
  }
  if (RANGE_MAY_BE_TO_BLAME.has(response.statusCode)) return null
  throw statusFailure(response, response.url)
}

async function askWithoutRange(
  context: SourceContext,
  target: SourceTarget,
  signal: AbortSignal,
  ranged: OpenResponse,
): Promise<Finding> {
  const followed = await follow(context, target, firstRoute(context, target), null, signal)
  const { response } = followed
  response.discard()
  if (response.statusCode !== 200) throw statusFailure(response, response.url)
  const isEncoded = contentEncodingOf(response) !== null || contentEncodingOf(ranged) !== null
  return { followed, sizeBytes: wholeSize(response), refusal: isEncoded ? 'encoded' : 'malformed' }
}

/** The size a 200 declares. A compressed answer is made anew each time, so its length is not the file's. */
function wholeSize(response: OpenResponse): number | null {
  return contentEncodingOf(response) === null ? parseContentLength(response) : null
}
