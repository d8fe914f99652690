import { randomBytes } from 'node:crypto'
import { TransferError } from '../domain/failure.ts'
import type { TokenInput, TokenView } from '../domain/token.ts'
import { hashToken } from '../secrets.ts'
import type { DbOrTx } from './client.ts'
import { newId } from './new-id.ts'

/** "Last used" is written at most this often, so that reading the API does not write to the database each time. */
const LAST_USED_EVERY_MS = 60_000

/** All tokens, newest first, revoked ones too. */
export async function listTokens(db: DbOrTx): Promise<TokenView[]> {
  return db.apiToken.findMany({
    orderBy: { createdAt: 'desc' },
    select: { id: true, name: true, hint: true, createdAt: true, lastUsedAt: true, expiresAt: true, revokedAt: true },
  })
}

/** Makes a token: `sluice_` and 32 random bytes in base64url. This answer is the only place where it is ever shown. */
export async function createToken(db: DbOrTx, input: TokenInput): Promise<{ id: string; token: string }> {
  const id = newId()
  const token = `sluice_${randomBytes(32).toString('base64url')}`
  await db.apiToken.create({
    data: { id, name: input.name, hash: hashToken(token), hint: token.slice(-4), expiresAt: input.expiresAt ?? null },
    select: { id: true },
  })
  return { id, token }
}

/** Ends a token at once; its row stays as history. Revoking twice changes nothing. Throws `not_found`. */
export async function revokeToken(db: DbOrTx, id: string): Promise<{ id: string }> {
  await db.apiToken.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } })
  const row = await db.apiToken.findUnique({ where: { id }, select: { id: true } })
  if (!row) throw new TransferError('not_found', 'There is no such token. Look in the list of tokens.')
  return row
}

/** The valid token (not revoked, not expired) that a caller presents, or null. Looked up by hash, so timing tells nothing. */
export async function findToken(db: DbOrTx, token: string): Promise<{ id: string; name: string } | null> {
  const row = await db.apiToken.findUnique({
    where: { hash: hashToken(token) },
    select: { id: true, name: true, expiresAt: true, revokedAt: true, lastUsedAt: true },
  })
  const now = new Date()
  if (!row || row.revokedAt || (row.expiresAt && row.expiresAt <= now)) return null
  if (!row.lastUsedAt || now.getTime() - row.lastUsedAt.getTime() > LAST_USED_EVERY_MS)
    await db.apiToken.updateMany({ where: { id: row.id }, data: { lastUsedAt: now } })
  return { id: row.id, name: row.name }
}
