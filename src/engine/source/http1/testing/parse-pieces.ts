import { ResponseParser } from '../response-parser.ts'
import { WireError } from '../wire-error.ts'

/** What a parser made of an answer. */
export interface ParseOutcome {
  readonly statusCode: number | null
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** How it ended: `end`, the code of the WireError, or `unfinished` where the connection stays open and more is needed. */
  readonly ended: string
  readonly keepsConnection: boolean
  /** Bytes behind the end of the answer. */
  readonly restBytes: number
}

/**
 * Feeds an answer in the pieces that end at `cuts` (ascending) and at its end; then the connection closes, unless `staysOpen`.
 * Errors other than WireError pass.
 */
export function parsePieces(
  answer: Buffer,
  cuts: readonly number[],
  options: { readonly method?: 'GET' | 'HEAD' | 'PUT'; readonly staysOpen?: boolean } = {},
): ParseOutcome {
  const parser = new ResponseParser(options.method ?? 'GET')
  const body: Buffer[] = []
  let ended: string | null = null
  let restBytes = 0
  /** Takes `[start, end)`; true once the answer has ended. */
  const feed = (start: number, end: number): boolean => {
    // As the shared read buffer: nothing may be looked at that is not in the piece.
    const piece = Buffer.alloc(end - start + 20, 0x0a)
    answer.copy(piece, 10, start, end)
    for (let at = 10; ; at = parser.at) {
      const event = parser.next(piece, at, 10 + end - start)
      if (event === 'more') return false
      if (event === 'data') body.push(Buffer.from(piece.subarray(parser.dataStart, parser.at)))
      if (event !== 'end') continue
      restBytes = answer.length - (start + parser.at - 10)
      return true
    }
  }
  try {
    let start = 0
    for (const end of [...cuts, answer.length]) {
      if (feed(start, end)) ended = 'end'
      if (ended) break
      start = end
    }
    if (!ended && !options.staysOpen) {
      parser.finish()
      ended = 'end'
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    ended = error.code
  }
  return {
    statusCode: parser.head?.statusCode ?? null,
    headers: { ...parser.head?.headers },
    body: Buffer.concat(body).toString('latin1'),
    ended: ended ?? 'unfinished',
    keepsConnection: parser.keepsConnection,
    restBytes,
  }
}
