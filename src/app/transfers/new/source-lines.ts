import { sourceUrlProblem } from '../../../server/domain/transfer-input.ts'

/** One link of the field: where it stands (from 1), and what is wrong with it as typed. */
export interface SourceLine {
  url: string
  line: number
  problem: string | null
}

export interface SourceLines {
  lines: SourceLine[]
  /** Lines that repeat an earlier one and were folded into it. */
  repeated: { line: number; firstLine: number }[]
  /** Lines beyond the most that one call takes. */
  beyond: number
}

/** `transfers.createMany` takes so many at once. */
export const MOST_LINES = 1000

/**
 * The links of a text, one a line. White space around them, quotes or angle brackets as mail programs add them, and empty lines are
 * not the user's fault; a link that stands there twice is read once.
 */
export function parseSourceLines(text: string): SourceLines {
  const lines: SourceLine[] = []
  const repeated: SourceLines['repeated'] = []
  const firstLines = new Map<string, number>()
  let beyond = 0
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const url = unwrap(raw.trim())
    if (url === '') continue
    const line = index + 1
    const firstLine = firstLines.get(url)
    if (firstLine !== undefined) repeated.push({ line, firstLine })
    else if (lines.length >= MOST_LINES) beyond++
    else {
      firstLines.set(url, line)
      lines.push({ url, line, problem: sourceUrlProblem(url)?.message ?? null })
    }
  }
  return { lines, repeated, beyond }
}

/** The text without the lines of the given links, for what was started already. */
export function withoutLinks(text: string, urls: ReadonlySet<string>): string {
  return text
    .split(/\r\n|\r|\n/)
    .filter((raw) => !urls.has(unwrap(raw.trim())))
    .join('\n')
    .trim()
}

/** One remark for all folded lines. */
export function repeatedRemark(repeated: SourceLines['repeated']): string | null {
  const [first] = repeated
  if (!first) return null
  if (repeated.length === 1) return `Line ${first.line} repeats line ${first.firstLine} and is left out.`
  return `${repeated.length} lines repeat earlier ones and are left out.`
}

function unwrap(text: string): string {
  const match = /^(["'<])(.*)(["'>])$/.exec(text)
  if (!match?.[2]) return text
  const closing = match[1] === '<' ? '>' : match[1]
  return match[3] === closing ? match[2].trim() : text
}
