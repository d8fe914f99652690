import type { Warning } from '../../server/domain/failure.ts'
import { MAX_OBJECT_BYTES } from '../../server/domain/transfer-input.ts'
import type { OpenResponse } from './exchange.ts'
import { fileNameOf } from './file-name.ts'
import { type Followed, firstRoute, follow, type SourceContext } from './follow.ts'
import { headerOf } from './http-transport.ts'
import { answerIdentity, identityProof } from './identity.ts'
import { OpenedResponse } from './opened-response.ts'
import { probeWarnings, type RangeRefusal } from './probe-warnings.ts'
import { contentEncodingOf, judgeRange, parseContentLength, parseContentRange } from './range-proof.ts'
import { readExactly } from './read-range.ts'
import type { FirstContact, OpenedRange, ProbeOptions, SourceIdentity, SourceProbe, SourceTarget } from './source.ts'
import { sourceDigests } from './source-digests.ts'
import { statusFailure, tooLarge } from './source-failure.ts'

/** What the answers say about size and ranges. `refusal`: why ranges cannot be used, null where they can. */
interface Finding {
  readonly followed: Followed
  readonly sizeBytes: number | null
  readonly refusal: RangeRefusal | null
  /** The answer has the whole file, whether it kept to the range or not. */
  readonly isWhole: boolean
  /** The body waits and may be kept: a 200 with all of a file that was not asked for whole, or a range that was wanted. */
  readonly isStream?: boolean
}

/** Statuses some servers give to a Range they do not understand, where a plain GET works. */
const RANGE_MAY_BE_TO_BLAME = new Set([400, 405, 416, 501])

/**
 * Finds out what is at a URL with a GET of `bytes=0-0`: Accept-Ranges is only a hint and HEAD is unreliable (correctness.md
 * cases 7 and 8). What does not answer that rightly is asked once more without Range, and read as one stream (case 6).
 * No body is read; one that is the whole file is kept where that was asked for. Throws the failure of the source where there is
 * no file to read.
 */
export async function probe(
  context: SourceContext,
  target: SourceTarget,
  signal: AbortSignal,
  options: ProbeOptions = {},
): Promise<SourceProbe> {
  if (options.isOneTime) {
    const start = firstRoute(context, target)
    return contactOf(context, target, start.url, await askWithoutRange(context, target, signal, null), options).probe
  }
  const contact = await firstContact(context, target, 1, signal, options)
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
  options: ProbeOptions = {},
): Promise<FirstContact> {
  const start = firstRoute(context, target)
  const ranged = await follow(context, target, start, { startByte: 0, endByte: mostBytes }, signal)
  let found: Finding | null = null
  try {
    found = judgeProbe(ranged, mostBytes)
  } finally {
    if (!found?.isWhole && !found?.isStream) ranged.response.discard()
  }
  if (!found && mostBytes > 1) return firstContact(context, target, 1, signal, options)
  const finding = found ?? (await askWithoutRange(context, target, signal, ranged.response))
  return contactOf(context, target, start.url, finding, options)
}

/**
 * A probe that asks for a range somebody waits for. An answer that is not exactly that range, or all of the file, is given up, and what it
 * means is found out by a plain probe.
 */
export async function openRange(
  context: SourceContext,
  target: SourceTarget,
  wanted: { readonly startByte: number; readonly endByte: number },
  signal: AbortSignal,
): Promise<OpenedRange> {
  const start = firstRoute(context, target)
  const followed = await follow(context, target, start, wanted, signal)
  let finding: Finding | null = null
  try {
    finding = judgeWanted(followed, wanted)
  } finally {
    if (!finding) followed.response.discard()
  }
  if (!finding) return { probe: await probe(context, target, signal), range: null }
  const { probe: found } = contactOf(context, target, start.url, finding, { keepsWhole: true })
  const isRange = found.identity.acceptsRanges && finding.sizeBytes !== null
  const endByte = Math.min(wanted.endByte, finding.sizeBytes ?? 0)
  return { probe: found, range: isRange ? { startByte: wanted.startByte, endByte } : null }
}

/** What was found, and the body that waits, where it is of use; else that is given up. */
function contactOf(
  context: SourceContext,
  target: SourceTarget,
  start: URL,
  finding: Finding,
  options: ProbeOptions,
): FirstContact {
  const { response, route } = finding.followed
  const isTooLarge = finding.sizeBytes !== null && finding.sizeBytes > MAX_OBJECT_BYTES
  const keeps = finding.isStream === true && options.keepsWhole === true && finding.sizeBytes !== 0 && !isTooLarge
  if (finding.isStream && !keeps) response.discard()
  if (isTooLarge) throw tooLarge(finding.sizeBytes ?? 0, MAX_OBJECT_BYTES)
  context.routes.remember(target, route)
  return {
    probe: { ...describeProbe(finding, start), opened: keeps ? new OpenedResponse(response) : null },
    whole: finding.isWhole ? wholeOf(response, finding.sizeBytes ?? 0) : null,
  }
}

function describeProbe({ followed, sizeBytes, refusal }: Finding, start: URL): Omit<SourceProbe, 'opened'> {
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
  const contentType = headerOf(response, 'content-type')
  return { identity, name, contentType, headers: response.headers, warnings, digests: sourceDigests(response) }
}

function wholeOf(response: OpenResponse, sizeBytes: number): NonNullable<FirstContact['whole']> {
  return {
    sizeBytes,
    read: (sink, place) => ({
      done: readExactly(response, sizeBytes, { sink, place }),
      resume: () => response.resume(),
    }),
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
      return { followed, sizeBytes: wholeSize(response), refusal: 'encoded', isWhole: false, isStream: true }
    const sizeBytes = wholeSize(response)
    const isWhole = mostBytes > 1 && sizeBytes !== null && sizeBytes > 0 && sizeBytes <= mostBytes
    return { followed, sizeBytes, refusal: isWhole ? null : 'ignored', isWhole, isStream: !isWhole }
  }
  if (RANGE_MAY_BE_TO_BLAME.has(response.statusCode)) return null
  throw statusFailure(response, response.url)
}

/** The answer where it is exactly the range, or all of a file whose length is known; else null. Throws for a failure. */
function judgeWanted(
  followed: Followed,
  { startByte, endByte }: { readonly startByte: number; readonly endByte: number },
): Finding | null {
  const { response } = followed
  if (response.statusCode === 200 || response.statusCode === 206) {
    const totalBytes = parseContentRange(headerOf(response, 'content-range'))?.totalBytes ?? null
    const verdict = judgeRange(response, startByte, Math.min(endByte, totalBytes ?? endByte))
    if (verdict.kind === 'range' && verdict.totalBytes !== null)
      return { followed, sizeBytes: verdict.totalBytes, refusal: null, isWhole: false, isStream: true }
    const sizeBytes = verdict.kind === 'whole' && response.statusCode === 200 ? wholeSize(response) : null
    const isClear = sizeBytes !== null && headerOf(response, 'content-range') === null
    return isClear ? { followed, sizeBytes, refusal: 'ignored', isWhole: false, isStream: true } : null
  }
  if (RANGE_MAY_BE_TO_BLAME.has(response.statusCode)) return null
  throw statusFailure(response, response.url)
}

/** `ranged`: the answer to a Range that was no use; null where the link answers once and was asked for nothing before. */
async function askWithoutRange(
  context: SourceContext,
  target: SourceTarget,
  signal: AbortSignal,
  ranged: OpenResponse | null,
): Promise<Finding> {
  const followed = await follow(context, target, firstRoute(context, target), null, signal)
  const { response } = followed
  if (response.statusCode !== 200) {
    response.discard()
    throw statusFailure(response, response.url)
  }
  const isEncoded = contentEncodingOf(response) !== null || (ranged !== null && contentEncodingOf(ranged) !== null)
  const refusal = isEncoded ? 'encoded' : ranged === null ? 'one-time' : 'malformed'
  return { followed, sizeBytes: wholeSize(response), refusal, isWhole: false, isStream: true }
}

/** The size a 200 declares. A compressed answer is made anew each time, so its length is not the file's. */
function wholeSize(response: OpenResponse): number | null {
  return contentEncodingOf(response) === null ? parseContentLength(response) : null
}
