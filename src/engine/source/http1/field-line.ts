import { malformed } from './wire-error.ts'

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** What a field value may not have (RFC 9110 section 5.5): controls besides tab. A bare CR is among them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const FORBIDDEN_IN_VALUE = /[\0-\x08\x0a-\x1f\x7f]/

export interface FieldLine {
  /** In lower case. */
  readonly name: string
  /** As latin1 text, without the white space around it. */
  readonly value: string
}

/**
 * Takes a header or trailer line apart (RFC 9112 section 5), given without its CRLF. Throws HTTP1_MALFORMED for folded lines,
 * names that are no tokens (also with a space before the colon) and control characters.
 */
export function parseFieldLine(line: string): FieldLine {
  const first = line.charCodeAt(0)
  if (first === 0x20 || first === 0x09) throw malformed('a header line is folded')
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(0, colon))
  if (!TOKEN.test(name)) throw malformed('a header line has no proper name')
  let start = colon + 1
  let end = line.length
  while (start < end && isBlank(line.charCodeAt(start))) start++
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--
  const value = line.slice(start, end)
  if (FORBIDDEN_IN_VALUE.test(value)) throw malformed('a header has control characters')
  return { name: name.toLowerCase(), value }
}

/** True for a name and a value that may be sent: a token, and visible ASCII, spaces and tabs or opaque bytes as latin1. */
export function isSendableField(name: string, value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of what one byte can carry.
  return TOKEN.test(name) && !FORBIDDEN_IN_VALUE.test(value) && /^[\x09\x20-\xff]*$/.test(value)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
