import type { DbOrTx } from '../db/client.ts'
import { findToken } from '../db/tokens.ts'
import { TransferError } from '../domain/failure.ts'
import { sameSecret } from '../secrets.ts'

/** Who asks. `token` is one of the stored API tokens; the others have no row. */
export type Caller =
  | { kind: 'administrator'; by: 'loopback' | 'admin-token' }
  | { kind: 'token'; tokenId: string; name: string }

/**
 * Who a request comes from. Until sign-in exists web listens on loopback only, and a request without Authorization is the
 * administrator's; one with a header must carry a token that is valid. Throws `unauthorized`.
 */
export async function authenticate(
  db: DbOrTx,
  adminToken: string | undefined,
  authorization: string | null,
): Promise<Caller> {
  if (authorization === null) return { kind: 'administrator', by: 'loopback' }
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization.trim())?.[1]
  if (token === undefined)
    throw new TransferError(
      'unauthorized',
      'The Authorization header is not understood. Send "Authorization: Bearer TOKEN".',
    )
  if (adminToken !== undefined && sameSecret(token, adminToken)) return { kind: 'administrator', by: 'admin-token' }
  const row = await findToken(db, token)
  if (!row)
    throw new TransferError(
      'unauthorized',
      'This token is wrong, expired or revoked. Make a new one under Settings, or use SLUICE_ADMIN_TOKEN.',
    )
  return { kind: 'token', tokenId: row.id, name: row.name }
}
