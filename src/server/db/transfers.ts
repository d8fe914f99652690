import { TransferError } from '../domain/failure.ts'
import {
  type EventView,
  type PartView,
  TRANSFER_STATUSES,
  type TransferCounts,
  type TransferDetail,
  type TransferView,
} from '../domain/transfer.ts'
import type { TransferListQuery } from '../domain/transfer-input.ts'
import type { DbOrTx } from './client.ts'
import type { Prisma } from './generated/client.ts'
import { movingParts, toTransferView, transferViewSelect } from './transfer-view.ts'

/** `byId` shows this many events, newest first. */
const EVENTS_SHOWN = 200

export interface TransferPage {
  items: TransferView[]
  /** Give it back as `cursor` for the next page; null on the last. */
  nextCursor: string | null
  /** How many match the search in each state, whatever state is filtered for. */
  counts: TransferCounts
}

/** A page of transfers, newest first. `search` looks in key, source URL (as shown) and bucket name, whatever the case. */
export async function listTransfers(db: DbOrTx, query: TransferListQuery): Promise<TransferPage> {
  const limit = query.limit ?? 50
  const found = searchWhere(query.search)
  const statuses = query.status === undefined ? [] : [query.status].flat()
  const conditions = [found, statuses.length > 0 ? { status: { in: statuses } } : {}, cursorWhere(query.cursor)]
  const [rows, groups] = await Promise.all([
    db.transfer.findMany({
      where: { AND: conditions },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
      select: transferViewSelect,
    }),
    db.transfer.groupBy({ by: ['status'], where: found, _count: { _all: true } }),
  ])
  const nowMs = Date.now()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const counts = Object.fromEntries([['all', 0], ...TRANSFER_STATUSES.map((status) => [status, 0])]) as TransferCounts
  for (const group of groups) {
    counts[group.status] = group._count._all
    counts.all += group._count._all
  }
  return {
    items: page.map((row) => toTransferView(row, nowMs)),
    nextCursor: rows.length > limit && last ? `${last.createdAt.getTime()}.${last.id}` : null,
    counts,
  }
}

/** One transfer with its parts, what is moving, and its latest events. Throws `not_found`. */
export async function getTransfer(db: DbOrTx, id: string): Promise<TransferDetail> {
  const row = await db.transfer.findUnique({ where: { id }, select: transferViewSelect })
  if (!row) throw transferNotFound()
  const [parts, events] = await Promise.all([listParts(db, id), listEvents(db, id)])
  const nowMs = Date.now()
  return { ...toTransferView(row, nowMs), parts, movingParts: movingParts(row, nowMs), events }
}

/** Views of the given transfers in the order of the ids. Throws `not_found` where one is missing. */
export async function getTransfers(db: DbOrTx, ids: readonly string[]): Promise<TransferView[]> {
  const rows = await db.transfer.findMany({ where: { id: { in: [...ids] } }, select: transferViewSelect })
  const byId = new Map(rows.map((row) => [row.id, row]))
  return ids.map((id) => {
    const row = byId.get(id)
    if (!row) throw transferNotFound()
    return toTransferView(row)
  })
}

/** The finished parts of a transfer by number. */
export async function listParts(db: DbOrTx, transferId: string): Promise<PartView[]> {
  const parts = await db.part.findMany({
    where: { transferId },
    orderBy: { number: 'asc' },
    select: { number: true, sizeBytes: true, engineId: true, retries: true, startedAt: true, finishedAt: true },
  })
  return parts.map((part) => ({ ...part, sizeBytes: Number(part.sizeBytes) }))
}

/** The latest events of a transfer, newest first. */
async function listEvents(db: DbOrTx, transferId: string): Promise<EventView[]> {
  const events = await db.event.findMany({
    where: { transferId },
    orderBy: { id: 'desc' },
    take: EVENTS_SHOWN,
    select: { id: true, at: true, level: true, code: true, message: true, engineId: true },
  })
  return events.map((event) => ({
    ...event,
    id: String(event.id),
    level: event.level === 'warn' || event.level === 'error' ? event.level : 'info',
  }))
}

export function transferNotFound(): TransferError {
  return new TransferError('not_found', 'There is no such transfer. It may have been removed; look in the list.')
}

function searchWhere(search: string | undefined): Prisma.TransferWhereInput {
  const text = search?.trim().replace(/[\\%_]/g, '\\$&')
  if (!text) return {}
  const contains = { contains: text, mode: 'insensitive' } as const
  return { OR: [{ key: contains }, { sourceUrl: contains }, { bucket: { name: contains } }] }
}

function cursorWhere(cursor: string | undefined): Prisma.TransferWhereInput {
  if (cursor === undefined) return {}
  const match = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor)
  if (!match?.[1] || !match[2])
    throw new TransferError('invalid_input', 'This cursor is not one the list gave. Start again without a cursor.')
  const createdAt = new Date(Number(match[1]))
  return { OR: [{ createdAt: { lt: createdAt } }, { createdAt, id: { lt: match[2] } }] }
}
