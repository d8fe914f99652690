/** More than this a source cannot make us wait in one go; a date years ahead is a mistake of its clock. */
const MAX_WAIT_MS = 3_600_000

/**
 * Milliseconds to wait by Retry-After (RFC 9110 section 10.2.3): seconds, 0 included, or a date held against the source's
 * own Date header where it has one. Undefined where the header is missing or makes no sense; never more than an hour.
 */
export function parseRetryAfter(
  value: string | null,
  dateHeader: string | null,
  nowMs = Date.now(),
): number | undefined {
  if (value === null) return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.round(Number(text) * 1000), MAX_WAIT_MS)
  // An HTTP date begins with the name of a day; Date.parse alone would take "-1" for a year.
  const untilMs = /^[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(untilMs)) return undefined
  const sourceNowMs = dateHeader === null ? Number.NaN : Date.parse(dateHeader)
  const waitMs = untilMs - (Number.isNaN(sourceNowMs) ? nowMs : sourceNowMs)
  return Math.min(Math.max(waitMs, 0), MAX_WAIT_MS)
}
