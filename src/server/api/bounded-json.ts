import { TRPCError } from '@trpc/server'
import { MIB } from '../domain/bytes.ts'

/** A thousand transfers with long signed links and headers fit in well. */
export const MAX_BODY_BYTES = 8 * MIB
/** The deepest input of the API has five levels. */
const MAX_DEPTH = 32
/** Taking JSON apart costs microseconds a value, on the one thread that answers everybody. */
const MAX_VALUES = 200_000

/**
 * The request as tRPC may have it: its `json()` reads at most MAX_BODY_BYTES, and refuses what would take seconds to take apart.
 * Both as TRPCError PAYLOAD_TOO_LARGE. Nothing is read before it is called, so whoever is refused for another reason sends in vain.
 */
export function boundedJson(request: Request): Request {
  const { url, method, headers, signal } = request
  const bounded = new Request(url, { method, headers, signal })
  Object.defineProperty(bounded, 'json', { value: async () => parse(await readText(request)) })
  return bounded
}

async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of request.body ?? []) {
    sizeBytes += chunk.length
    if (sizeBytes > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parse(text: string): unknown {
  let depth = 0
  let values = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') {
      values++
      if (++depth > MAX_DEPTH) throw tooLarge()
    } else if (character === '}' || character === ']') depth--
    else if (character === ',') values++
    if (values > MAX_VALUES) throw tooLarge()
  }
  return JSON.parse(text)
}

/** The place of the quote that closes the string which opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}

function tooLarge(): TRPCError {
  return new TRPCError({ code: 'PAYLOAD_TOO_LARGE' })
}
