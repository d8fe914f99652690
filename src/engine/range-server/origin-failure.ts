import { type FailureCode, TransferError, toFailure } from '../../server/domain/failure.ts'
import type { OriginFailure } from '../../server/domain/published-origin.ts'

/** Enough for any sentence of ours with the address it is about. */
const MAX_LENGTH = 500

/**
 * What kept a reader from its bytes, for whoever runs the origin: more than the reader is told, and none of `secrets` in it. Null where
 * only the breaker refused, because what opened it is the news.
 */
export function originFailure(error: unknown, secrets: readonly string[]): OriginFailure | null {
  if (error instanceof TransferError && error.facts.breaker === 'open') return null
  const { code, message } = toFailure(error)
  const sentence = SENTENCES[code] ?? message
  const cut = secrets.reduce((text, secret) => text.replaceAll(secret, '…'), sentence)
  return { code, message: cut.slice(0, MAX_LENGTH), atMs: Date.now() }
}

/** Where the sentence for a transfer would send people to the wrong page. */
const SENTENCES: Readonly<Partial<Record<FailureCode, string>>> = {
  source_unauthorized: 'The origin asks for a sign-in (401). Give it the right Authorization header under Edit.',
  source_forbidden: 'The origin refuses the file (403). Check its headers under Edit, and what it lets them read.',
}
