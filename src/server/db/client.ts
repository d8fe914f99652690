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
  | 'apiToken'
>

/** One pooled client for a process. `maxConnections` stays small: statements are batched, not many. */
export function createDb(databaseUrl: string, maxConnections = 8): Db {
  const adapter = new PrismaPg({
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
  })
  return new PrismaClient({ adapter })
}
