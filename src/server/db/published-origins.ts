import { createHmac, randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { TransferError } from '../domain/failure.ts'
import {
  normaliseBaseUrl,
  type OriginAccess,
  type OriginHttpVersion,
  type PublishedOriginView,
  type publishedOriginSaveSchema,
  type ServedOrigin,
  type UnservedOrigin,
} from '../domain/published-origin.ts'
import type { Sealer } from '../secrets.ts'
import type { SigningKey } from '../signed-link.ts'
import type { Db, DbOrTx } from './client.ts'
import { isUniqueViolation } from './database-failure.ts'
import { newId } from './new-id.ts'
import { notify } from './notifications.ts'

/** All published origins by name. Of their headers only the names. */
export async function listPublishedOrigins(db: DbOrTx): Promise<PublishedOriginView[]> {
  const rows = await db.publishedOrigin.findMany({
    orderBy: { name: 'asc' },
    omit: { headersSealed: true, signingKeyId: true, signingKeySealed: true },
  })
  const hosts = await db.origin.findMany({
    where: { baseUrl: { in: rows.map(({ baseUrl }) => hostKey(baseUrl)) } },
    select: { baseUrl: true, learnedLanes: true },
  })
  const lanes = new Map(hosts.map((host) => [host.baseUrl, host.learnedLanes]))
  return rows.map((row) => ({
    ...row,
    access: row.access as OriginAccess,
    sizeCapBytes: row.sizeCapBytes === null ? null : Number(row.sizeCapBytes),
    httpVersion: versionOf(row),
    learnedLanes: lanes.get(hostKey(row.baseUrl)) ?? null,
  }))
}

/**
 * Publishes an origin, or with an `id` changes one. Headers left out stay as they are. Engines are told at once, and look every few
 * seconds anyway. Throws `invalid_input` (a name that is taken) or `not_found`.
 */
export async function savePublishedOrigin(
  db: Db,
  sealer: Sealer,
  input: z.output<typeof publishedOriginSaveSchema>,
): Promise<{ id: string }> {
  const id = input.id ?? newId()
  const { headers, id: _, ...rest } = input
  const settings = {
    ...rest,
    baseUrl: normaliseBaseUrl(input.baseUrl),
    ttlSeconds: input.ttlSeconds ?? null,
    lanes: input.lanes ?? null,
    sizeCapBytes: input.sizeCapBytes == null ? null : BigInt(input.sizeCapBytes),
    ...(headers === undefined ? {} : sealHeaders(sealer, id, headers)),
  }
  try {
    if (input.id) {
      const { count } = await db.publishedOrigin.updateMany({ where: { id }, data: settings })
      if (count === 0) throw originNotFound()
    } else {
      const secret = randomBytes(32).toString('base64url')
      const signing = {
        signingKeyId: randomBytes(6).toString('base64url'),
        signingKeySealed: sealer.seal(secret, `PublishedOrigin.signingKey:${id}`),
      }
      await db.publishedOrigin.create({ data: { id, ...settings, ...signing }, select: { id: true } })
    }
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new TransferError('invalid_input', `There is already an origin named "${input.name}". Choose another name.`, {
      cause: error,
    })
  }
  await notify(db, 'sluice_origins', id)
  return { id }
}

/** Stops serving it: its links answer 404 from now on. What is cached of it is purged by whoever calls this. Throws `not_found`. */
export async function removePublishedOrigin(db: Db, id: string): Promise<{ id: string }> {
  const { count } = await db.publishedOrigin.deleteMany({ where: { id } })
  if (count === 0) throw originNotFound()
  await notify(db, 'sluice_origins', id)
  return { id }
}

/** What links of an origin are signed with. Throws `not_found` or `secret_key_changed`. */
export async function signingKeyOf(db: DbOrTx, sealer: Sealer, id: string): Promise<{ name: string; key: SigningKey }> {
  const row = await db.publishedOrigin.findUnique({
    where: { id },
    select: { name: true, signingKeyId: true, signingKeySealed: true },
  })
  if (!row) throw originNotFound()
  return { name: row.name, key: { id: row.signingKeyId, secret: openKey(sealer, id, row.signingKeySealed) } }
}

/**
 * All published origins for an engine, secrets opened. Those whose secrets cannot be opened are named in `unserved`, so that one
 * does not keep the others from being served.
 */
export async function loadServedOrigins(
  db: DbOrTx,
  sealer: Sealer,
): Promise<{ origins: ServedOrigin[]; unserved: UnservedOrigin[] }> {
  const origins: ServedOrigin[] = []
  const unserved: UnservedOrigin[] = []
  for (const row of await db.publishedOrigin.findMany({ orderBy: { name: 'asc' } })) {
    try {
      const secret = openKey(sealer, row.id, row.signingKeySealed)
      const headers =
        row.headersSealed === null ? '' : open(sealer, row.headersSealed, `PublishedOrigin.headers:${row.id}`)
      origins.push({
        id: row.id,
        name: row.name,
        baseUrl: row.baseUrl,
        headers: headers === '' ? {} : JSON.parse(headers),
        credentialScope: headers === '' ? '' : createHmac('sha256', secret).update(headers).digest('hex'),
        access: row.access as OriginAccess,
        ttlSeconds: row.ttlSeconds,
        heuristicFreshness: row.heuristicFreshness,
        sizeCapBytes: row.sizeCapBytes === null ? null : Number(row.sizeCapBytes),
        lanes: row.lanes,
        httpVersion: versionOf(row),
        signingKey: { id: row.signingKeyId, secret },
        updatedAtMs: row.updatedAt.getTime(),
      })
    } catch (error) {
      if (!(error instanceof TransferError)) throw error
      unserved.push({ id: row.id, name: row.name, message: error.message })
    }
  }
  return { origins, unserved }
}

/** In the order of their names, so that the same headers always give the same scope. */
function sealHeaders(sealer: Sealer, id: string, headers: Record<string, string>) {
  const sorted = Object.entries(headers)
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (sorted.length === 0) return { headersSealed: null, headerNames: [] }
  return {
    headersSealed: sealer.seal(JSON.stringify(Object.fromEntries(sorted)), `PublishedOrigin.headers:${id}`),
    headerNames: sorted.map(([name]) => name),
  }
}

function versionOf({ httpVersion }: { httpVersion: string }): OriginHttpVersion {
  return httpVersion === '2' ? '2' : '1.1'
}

function openKey(sealer: Sealer, id: string, sealed: string): string {
  return open(sealer, sealed, `PublishedOrigin.signingKey:${id}`)
}

/** The key that signs links is sealed too, so that entering the headers again does not help. */
function open(sealer: Sealer, sealed: string, place: string): string {
  try {
    return sealer.open(sealed, place)
  } catch (cause) {
    throw new TransferError(
      'secret_key_changed',
      'Its headers and the key of its links were sealed with another key. Set SLUICE_SECRET_KEY to the key it was published with, or remove the origin and publish it again.',
      { cause },
    )
  }
}

/** The key of table Origin: scheme://host:port, the port always there. */
function hostKey(baseUrl: string): string {
  const { protocol, hostname, port } = new URL(baseUrl)
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

function originNotFound(): TransferError {
  return new TransferError('not_found', 'There is no such origin. It may have been removed; choose one of the list.')
}
