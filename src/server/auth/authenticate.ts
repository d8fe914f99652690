import { TransferError } from '../domain/failure.ts'
import { sameSecret } from '../secrets.ts'

/** Who asks. `token` is one of the stored API tokens; the others have no row. */
export type Caller =
  | { kind: 'administrator'; by: 'loopback' | 'admin-token' }
  | { kind: 'token'; tokenId: string; name: string }

/** What tokens are measured against: SLUICE_ADMIN_TOKEN, where it is set, and the stored ones that are valid. */
export interface KnownTokens {
  adminToken: string | undefined
  findToken(token: string): Promise<{ id: string; name: string } | null>
}

/**
 * Who a request comes from. Until sign-in exists web listens on loopback only, and a request without Authorization is the
 * administrator's; one with a header must carry a token that is valid. Throws `unauthorized`.
 */
export async function authenticate(known: KnownTokens, authorization: string | null): Promise<Caller> {
  if (authorization === null) return { kind: 'administrator', by: 'loopback' }
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization.trim())?.[1]
  if (token === undefined)
    throw new TransferError(
      'unauthorized',
      'The Authorization header is not understood. Send "Authorization: Bearer TOKEN".',
    )
  if (known.adminToken !== undefined && sameSecret(token, known.adminToken))
    return { kind: 'administrator', by: 'admin-token' }
  const row = await known.findToken(token)
  if (!row)
    throw new TransferError(
      'unauthorized',
      'This token is wrong, expired or revoked. Make a new one under Settings, or use SLUICE_ADMIN_TOKEN.',
    )
  return { kind: 'token', tokenId: row.id, name: row.name }
}
