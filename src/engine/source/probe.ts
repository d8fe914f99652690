import type { Warning } from '../../server/domain/failure.ts'
import { MAX_OBJECT_BYTES } from '../../server/domain/transfer-input.ts'
import type { OpenResponse } from './exchange.ts'
import { fileNameOf } from './file-name.ts'
import { type Followed, firstRoute, follow, type SourceContext } from './follow.ts'
import { headerOf } from './http-transport.ts'
import { answerIdentity, identityProof } from './identity.ts'
import { probeWarnings, type RangeRefusal } from './probe-warnings.ts'
import { contentEncodingOf, judgeRange, parseContentLength, parseContentRange } from './range-proof.ts'
import { readExactly } from './read-range.ts'
import type { FirstContact, SourceIdentity, SourceProbe, SourceTarget } from './source.ts'
import { statusFailure, tooLarge } from './source-failure.ts'

/** What the answers say about size and ranges. `refusal`: why ranges cannot be used, null where they can. */
interface Finding {
  readonly followed: Followed
  readonly sizeBytes: number | null
  readonly refusal: RangeRefusal | null
  /** The answer has the whole file, whether it kept to the range or not. */
  readonly isWhole: boolean
}

/** Statuses some servers give to a Range they do not understand, where a plain GET works. */
const RANGE_MAY_BE_TO_BLAME = new Set([400, 405, 416, 501])

/**
 * Finds out what is at a URL with a GET of `bytes=0-0`: Accept-Ranges is only a hint and HEAD is unreliable (correctness.md
 * cases 7 and 8). What does not answer that rightly is asked once more without Range, and read as one stream (case 6).
 * No body is read. Throws the failure of the source where there is no file to read.
 */
export async function probe(context: SourceContext, target: SourceTarget, signal: AbortSignal): Promise<SourceProbe> {
  const contact = await firstContact(context, target, 1, signal)
  contact.whole?.discard()
  return contact.probe
}

/**
 * A probe that asks for the first `mostBytes` instead of one, so that a file of no more comes with it. What an odd answer to
 * that means is found out by a probe of one byte.
 */
export async function firstContact(
  context: SourceContext,
  target: SourceTarget,
  mostBytes: number,
  signal: AbortSignal,
): Promise<FirstContact> {
  const start = firstRoute(context, target)
  const ranged = await follow(context, target, start, { startByte: 0, endByte: mostBytes }, signal)
  let found: Finding | null = null
  try {
    found = judgeProbe(ranged, mostBytes)
  } finally {
    if (!found?.isWhole) ranged.response.discard()
  }
  if (!found && mostBytes > 1) return firstContact(context, target, 1, signal)
  const finding = found ?? (await askWithoutRange(context, target, signal, ranged.response))
  const { response, route } = finding.followed
  if (finding.sizeBytes !== null && finding.sizeBytes > MAX_OBJECT_BYTES)
    throw tooLarge(finding.sizeBytes, MAX_OBJECT_BYTES)
  context.routes.remember(target, route)
  return {
    probe: describeProbe(finding, start.url),
    whole: finding.isWhole ? wholeOf(response, finding.sizeBytes ?? 0) : null,
  }
}

function describeProbe({ followed, sizeBytes, refusal }: Finding, start: URL): SourceProbe {
  const { response, route } = followed
  const { etag, lastModified } = answerIdentity(response, null)
  // A whole file as 200 where all of it was asked for says nothing about ranges.
  const isRange = headerOf(response, 'content-range') !== null
  const identity: SourceIdentity = {
    sizeBytes,
    etag,
    lastModified,
    acceptsRanges: refusal === null && sizeBytes !== 0 && isRange,
  }
  const name = fileNameOf(headerOf(response, 'content-disposition'), start, route.url)
  const warnings: Warning[] = probeWarnings({
    name,
    identity,
    proof: identityProof(identity),
    refusal,
    encoding: contentEncodingOf(response),
    contentType: headerOf(response, 'content-type'),
    disposition: headerOf(response, 'content-disposition'),
    start,
    end: route.url,
  })
  return { identity, name, contentType: headerOf(response, 'content-type'), headers: response.headers, warnings }
}

function wholeOf(response: OpenResponse, sizeBytes: number): NonNullable<FirstContact['whole']> {
  return {
    sizeBytes,
    read: (sink) => ({ done: readExactly(response, sizeBytes, sink), resume: () => response.resume() }),
    discard: () => response.discard(),
  }
}

/** What the answer to the first `mostBytes` shows; null where only another question can tell. Throws for a failure. */
function judgeProbe(followed: Followed, mostBytes: number): Finding | null {
  const { response } = followed
  const totalBytes = parseContentRange(headerOf(response, 'content-range'))?.totalBytes ?? null
  if (response.statusCode === 416 && totalBytes === 0) return { followed, sizeBytes: 0, refusal: null, isWhole: false }
  if (response.statusCode === 200 || response.statusCode === 206) {
    const endByte = Math.min(mostBytes, totalBytes ?? mostBytes)
    const verdict = judgeRange(response, 0, endByte)
    if (verdict.kind === 'range' && verdict.totalBytes !== null)
      return { followed, sizeBytes: verdict.totalBytes, refusal: null, isWhole: verdict.totalBytes === endByte }
    if (response.statusCode === 206 || headerOf(response, 'content-range') !== null) return null
    if (verdict.kind === 'encoded')
      return { followed, sizeBytes: wholeSize(response), refusal: 'encoded', isWhole: false }
    const sizeBytes = wholeSize(response)
    const isWhole = mostBytes > 1 && sizeBytes !== null && sizeBytes > 0 && sizeBytes <= mostBytes
    return { followed, sizeBytes, refusal: isWhole ? null : 'ignored', isWhole }
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
  return { followed, sizeBytes: wholeSize(response), refusal: isEncoded ? 'encoded' : 'malformed', isWhole: false }
}

/** The size a 200 declares. A compressed answer is made anew each time, so its length is not the file's. */
function wholeSize(response: OpenResponse): number | null {
  return contentEncodingOf(response) === null ? parseContentLength(response) : null
}
