import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './generated/client.ts'

export type Db = PrismaClient
/** What a query may run on: the client, or a transaction of it. */
export type DbOrTx = Pick<
  PrismaClient,
  | '$queryRaw'
  | '$executeRaw'
  | 'transfer'
  | 'part'
  | 'partClaim'
  | 'bucket'
  | 'event'
  | 'engine'
  | 'inspection'
  | 'sample'
  | 'origin'
  | 'publishedOrigin'
  | 'cachePurge'
  | 'cachePurgeResult'
  | 'cacheSample'
  | 'engineQuestion'
  | 'engineSetting'
  | 'apiToken'
>

/**
 * A statement that is not answered within this has lost its connection without a word (a partition, a firewall): it is given up,
 * or whoever waits for it would wait for as long as TCP does. Above what any statement of ours takes.
 */
const ANSWER_MS = 20_000
/** A transaction of an engine that was cut off or frozen must not hold its row locks against the others. */
const IDLE_IN_TRANSACTION_MS = 10_000

/** How long a connection may take to open: a database that is away is said to be soon. */
const CONNECT_MS = 5_000

/**
 * One pooled client for a process. `maxConnections` stays small: statements are batched, not many. `patienceMs`: instead of all these
 * times, for a client that is to outlast any stall.
 */
export function createDb(databaseUrl: string, maxConnections = 8, patienceMs?: number): Db {
  const answerMs = patienceMs ?? ANSWER_MS
  const adapter = new PrismaPg({
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: patienceMs ?? CONNECT_MS,
    idleTimeoutMillis: 30_000,
    query_timeout: answerMs,
    keepAlive: true,
    idle_in_transaction_session_timeout: patienceMs ?? IDLE_IN_TRANSACTION_MS,
  })
  return new PrismaClient({ adapter, transactionOptions: { maxWait: answerMs, timeout: answerMs } })
}
