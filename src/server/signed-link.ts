import { createHmac, timingSafeEqual } from 'node:crypto'

/** Query parameters of a signed link. They are ours: never sent on to the origin, never part of what is cached. */
export const LINK_PARAMETERS = ['sluice-expires', 'sluice-key', 'sluice-signature'] as const

export interface SigningKey {
  readonly id: string
  readonly secret: string
}

/** What a link is for. `target` is the path below the origin and its query exactly as in the request line, without our parameters. */
export interface LinkSubject {
  readonly originId: string
  readonly target: string
}

export type LinkVerdict = 'valid' | 'missing' | 'expired' | 'wrong'

/**
 * The target with what makes it a link that may be followed until `expiresAtSeconds` (since 1970): HMAC-SHA256 (RFC 2104) over
 * origin, target, expiry and key id. The method is no part of it: who may GET may HEAD.
 */
export function signTarget(key: SigningKey, subject: LinkSubject, expiresAtSeconds: number): string {
  const signature = signatureOf(key, subject, String(expiresAtSeconds)).toString('base64url')
  const ours = `sluice-expires=${expiresAtSeconds}&sluice-key=${key.id}&sluice-signature=${signature}`
  return `${subject.target}${subject.target.includes('?') ? '&' : '?'}${ours}`
}

/**
 * Takes our parameters out of a request's target (path and query as in the request line): what is left goes to the origin and into
 * cache keys. A parameter that is there twice is null, and the link wrong.
 */
export function splitTarget(signedTarget: string): { target: string; link: SignedLink | null } {
  const mark = signedTarget.indexOf('?')
  if (mark === -1) return { target: signedTarget, link: null }
  const rest: string[] = []
  const found = new Map<string, string | null>()
  for (const pair of signedTarget.slice(mark + 1).split('&')) {
    const [name = '', value = ''] = splitOnce(pair)
    if (isOurs(name)) found.set(name, found.has(name) ? null : value)
    else rest.push(pair)
  }
  const path = signedTarget.slice(0, mark)
  const target = rest.length === 0 ? path : `${path}?${rest.join('&')}`
  if (found.size === 0) return { target, link: null }
  const get = (name: (typeof LINK_PARAMETERS)[number]) => found.get(name) ?? null
  return {
    target,
    link: { expires: get('sluice-expires'), keyId: get('sluice-key'), signature: get('sluice-signature') },
  }
}

/** Our parameters as they came; null where missing or repeated. */
export interface SignedLink {
  readonly expires: string | null
  readonly keyId: string | null
  readonly signature: string | null
}

/** Judges a link in constant time. Only a link with a right signature is ever called expired. */
export function verifyLink(
  key: SigningKey,
  subject: LinkSubject,
  link: SignedLink | null,
  nowSeconds: number,
): LinkVerdict {
  if (link === null) return 'missing'
  const { expires, keyId, signature } = link
  if (expires === null || keyId !== key.id || signature === null || !/^[1-9]\d{0,11}$/.test(expires)) return 'wrong'
  const given = Buffer.from(signature, 'base64url')
  const expected = signatureOf(key, subject, expires)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong'
  return Number(expires) > nowSeconds ? 'valid' : 'expired'
}

function signatureOf(key: SigningKey, { originId, target }: LinkSubject, expires: string): Buffer {
  return createHmac('sha256', key.secret)
    .update(JSON.stringify(['sluice link 1', originId, target, expires, key.id]))
    .digest()
}

function isOurs(name: string): boolean {
  return (LINK_PARAMETERS as readonly string[]).includes(name)
}

function splitOnce(pair: string): [string, string] {
  const equals = pair.indexOf('=')
  return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
}
