import pg from 'pg'
import type { Log } from '../log.ts'
import type { DbOrTx } from './client.ts'

/**
 * sluice_transfers: a transfer id; there is new work, or a wish about it changed.
 * sluice_inspections: an inspection id; asked or answered.
 * sluice_progress: comma-separated transfer ids whose progress was just written.
 * sluice_origins: a published origin's id; it was saved or removed.
 * sluice_cache: a purge, or a question to an engine (its id), was written or answered.
 * sluice_engines: an engine's id; what is wanted of it has changed.
 */
const CHANNELS = [
  'sluice_transfers',
  'sluice_inspections',
  'sluice_progress',
  'sluice_origins',
  'sluice_cache',
  'sluice_engines',
] as const
export type Channel = (typeof CHANNELS)[number]

/** Postgres refuses payloads of 8,000 bytes and more; that is some 200 ids. */
const IDS_PER_PAYLOAD = 200

/** Hints on one subject. A hint that came since the last `next` is kept, so that none falls between a query and the wait. */
export interface Hints {
  /** Resolves with the next hint, after `timeoutMs`, or when `signal` aborts: in every case it is time to look at the rows. */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>
  close(): void
}

/**
 * LISTEN on a connection of its own. A NOTIFY is only a hint: it may be lost while the connection is down, so whoever waits also
 * looks at the rows on a timer. After a reconnect every listener is called with an empty payload, meaning "look again".
 */
export interface Notifications {
  /** Calls `listener` with each payload; returns what ends it. Listeners must not throw. */
  subscribe(channel: Channel, listener: (payload: string) => void): () => void
  /** Hints whose payload is or contains `id`; with no id, all of the channel. */
  hints(channel: Channel, id?: string): Hints
  /** Resolves once LISTEN is in force for the first time. Never rejects. */
  ready: Promise<void>
  close(): Promise<void>
}

/** Sends one hint; inside a transaction it goes out with the commit. */
export async function notify(db: DbOrTx, channel: Channel, payload: string): Promise<void> {
  await db.$executeRaw`SELECT pg_notify(${channel}, ${payload})`
}

/** One hint for many ids, in as few messages as Postgres allows. */
export async function notifyIds(db: DbOrTx, channel: Channel, ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += IDS_PER_PAYLOAD)
    await notify(db, channel, ids.slice(first, first + IDS_PER_PAYLOAD).join(','))
}

/** Starts listening on all channels at once; reconnects with growing, jittered pauses until closed. */
export function listenForNotifications(databaseUrl: string, log: Pick<Log, 'warn'>): Notifications {
  const listeners = new Map<Channel, Set<(payload: string) => void>>(CHANNELS.map((channel) => [channel, new Set()]))
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | null = null
  let closed = false
  let failures = 0
  const first = Promise.withResolvers<void>()

  async function connect(): Promise<void> {
    const candidate = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      application_name: 'sluice listen',
    })
    client = candidate
    let lost = false
    const onLost = (error?: Error) => {
      if (lost) return
      lost = true
      candidate.end().catch(() => {})
      if (!closed) scheduleReconnect(error)
    }
    candidate.on('error', onLost)
    candidate.on('end', () => onLost())
    candidate.on('notification', (message) => {
      for (const listener of listeners.get(message.channel as Channel) ?? []) listener(message.payload ?? '')
    })
    try {
      await candidate.connect()
      await candidate.query(CHANNELS.map((channel) => `LISTEN ${channel}`).join('; '))
    } catch (error) {
      onLost(error as Error)
      return
    }
    if (closed) {
      await candidate.end().catch(() => {})
      return
    }
    const again = failures > 0
    failures = 0
    first.resolve()
    if (again) for (const channel of CHANNELS) for (const listener of listeners.get(channel) ?? []) listener('')
  }

  function scheduleReconnect(error?: Error): void {
    failures++
    if (failures === 1)
      log.warn(
        { reason: error?.message ?? 'closed' },
        'Lost the connection that listens for hints; polling until it is back',
      )
    const pauseMs = Math.min(5_000, 100 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2)
    timer = setTimeout(() => void connect(), pauseMs)
  }

  function subscribe(channel: Channel, listener: (payload: string) => void): () => void {
    listeners.get(channel)?.add(listener)
    return () => listeners.get(channel)?.delete(listener)
  }

  void connect()
  return {
    subscribe,
    hints: (channel, id) => openHints(subscribe, channel, id),
    ready: first.promise,
    async close() {
      closed = true
      if (timer) clearTimeout(timer)
      first.resolve()
      await client?.end().catch(() => {})
    },
  }
}

function openHints(subscribe: Notifications['subscribe'], channel: Channel, id: string | undefined): Hints {
  let pending = false
  let wake: (() => void) | null = null
  const end = subscribe(channel, (payload) => {
    if (id !== undefined && payload !== '' && !payload.includes(id)) return
    pending = true
    wake?.()
  })
  return {
    async next(timeoutMs, signal) {
      if (!pending && !signal?.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        const timer = setTimeout(resolve, timeoutMs)
        const onAbort = () => resolve()
        signal?.addEventListener('abort', onAbort)
        await promise
        signal?.removeEventListener('abort', onAbort)
        clearTimeout(timer)
        wake = null
      }
      pending = false
    },
    close: () => end(),
  }
}
