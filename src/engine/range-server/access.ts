import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { ServedOrigin } from '../../server/domain/published-origin.ts'
import { LINK_PARAMETERS, splitTarget, verifyLink } from '../../server/signed-link.ts'

/** Looks a token up: true where it is valid now. */
export type TokenCheck = (token: string) => Promise<boolean>

/** `target`: what is left of the request without our own parameters. `refusal`: why it is not served, as a sentence. */
export type AccessVerdict =
  | { readonly target: string; readonly refusal: null }
  | { readonly target: string; readonly refusal: { readonly status: 401 | 403; readonly sentence: string } }

/** A token that was found valid is believed for so long; a revoked one ends that much later at most. */
const BELIEVED_MS = 5_000
const MAX_REMEMBERED = 1_000

/** Who may read (product C: public, token, signed link). Tokens are remembered by their hash, and only valid ones. */
export class AccessControl {
  readonly #check: TokenCheck
  readonly #valid = new Map<string, number>()

  constructor(check: TokenCheck) {
    this.#check = check
  }

  /** Judges a request for `target` (path and query as in the request line). Rejects where the tokens cannot be looked up. */
  judge(origin: ServedOrigin, request: IncomingMessage, target: string): AccessVerdict | Promise<AccessVerdict> {
    if (origin.access === 'public') return { target: withoutLink(target), refusal: null }
    if (origin.access === 'signed') return judgeLink(origin, target)
    const token = bearerOf(request.headers.authorization)
    const clean = withoutLink(target)
    if (token === null)
      return { target: clean, refusal: { status: 401, sentence: 'This needs a token: Authorization: Bearer TOKEN.' } }
    const hash = createHash('sha256').update(token).digest('base64')
    if ((this.#valid.get(hash) ?? 0) > Date.now()) return { target: clean, refusal: null }
    return this.#lookUp(token, hash, clean)
  }

  async #lookUp(token: string, hash: string, target: string): Promise<AccessVerdict> {
    this.#valid.delete(hash)
    if (!(await this.#check(token)))
      return { target, refusal: { status: 401, sentence: 'This token is not valid. Make a new one under Settings.' } }
    const [oldest] = this.#valid.keys()
    if (this.#valid.size >= MAX_REMEMBERED && oldest !== undefined) this.#valid.delete(oldest)
    this.#valid.set(hash, Date.now() + BELIEVED_MS)
    return { target, refusal: null }
  }
}

function judgeLink(origin: ServedOrigin, signedTarget: string): AccessVerdict {
  const { target, link } = splitTarget(signedTarget)
  const subject = { originId: origin.id, target }
  const verdict = verifyLink(origin.signingKey, subject, link, Math.floor(Date.now() / 1000))
  if (verdict === 'valid') return { target, refusal: null }
  const sentence = {
    missing: 'This needs a signed link. Ask whoever shares the file for one.',
    expired: 'This link has expired. Ask whoever shared it for a new one.',
    wrong: 'This link is not valid for this file. Ask whoever shared it for a new one.',
  }[verdict]
  return { target, refusal: { status: 403, sentence } }
}

/** Our parameters never reach the origin, also where nobody asks for them. */
function withoutLink(target: string): string {
  return LINK_PARAMETERS.some((name) => target.includes(name)) ? splitTarget(target).target : target
}

function bearerOf(header: string | undefined): string | null {
  return /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1] ?? null
}
