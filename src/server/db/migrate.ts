import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { ConfigError } from '../config/env.ts'

/** The lock `prisma migrate deploy` takes too, so that the two never run at once. */
const ADVISORY_LOCK = 72_707_369

/** The ledger in the very form Prisma creates it, so that `prisma migrate deploy` takes over where this stopped. */
const LEDGER = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`

interface LedgerRow {
  migration_name: string
  checksum: string
  finished_at: Date | null
  rolled_back_at: Date | null
}

interface Migration {
  name: string
  sql: string
  checksum: string
}

export interface MigrateOptions {
  /** Told what is applied; a pino logger fits. */
  log?: { info(message: string): void }
  /** Folder of `NAME/migration.sql`; the project's own by default. */
  migrationsDir?: string
}

/**
 * Brings the database at `databaseUrl` up to the schema of this code and returns the names applied. Each migration runs in a
 * transaction of its own under an advisory lock, so several starts at once are safe and a failure leaves nothing behind.
 * Throws ConfigError with one sentence where the database cannot be reached, is not ours, is newer, or was changed by hand.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<{ applied: string[] }> {
  const migrations = readMigrations(options.migrationsDir ?? defaultMigrationsDir())
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // A connection lost between statements rejects the next one; that is where it is reported.
  try {
    await client.connect()
  } catch (cause) {
    await client.end().catch(() => {})
    throw unreachable(databaseUrl, cause)
  }
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK])
    const pending = await findPending(client, migrations)
    for (const migration of pending) {
      options.log?.info(`Applying migration ${migration.name}`)
      await apply(client, migration)
    }
    return { applied: pending.map((migration) => migration.name) }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw unreachable(databaseUrl, cause)
  } finally {
    await client.end().catch(() => {})
  }
}

function defaultMigrationsDir(): string {
  return fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))
}

function readMigrations(dir: string): Migration[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(dir, name, 'migration.sql'))
      return { name, sql: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') }
    })
}

async function findPending(client: pg.Client, migrations: Migration[]): Promise<Migration[]> {
  const ledger = await client.query<{ exists: boolean }>(
    `SELECT to_regclass(quote_ident(current_schema()) || '."_prisma_migrations"') IS NOT NULL AS "exists"`,
  )
  if (!ledger.rows[0]?.exists) {
    const tables = await client.query<{ name: string }>(
      'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1 LIMIT 1',
    )
    if (tables.rows[0])
      throw new ConfigError(
        `The database already holds tables that are not Sluice's (such as "${tables.rows[0].name}"). Point DATABASE_URL at an empty database of its own.`,
      )
    await client.query(LEDGER)
    return migrations
  }
  const rows = await client.query<LedgerRow>(
    'SELECT migration_name, checksum, finished_at, rolled_back_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at',
  )
  checkLedger(rows.rows, migrations)
  const done = new Set(rows.rows.map((row) => row.migration_name))
  return migrations.filter((migration) => !done.has(migration.name))
}

/** Refuses a ledger that does not continue into ours. Rolled-back rows are not among `rows`. */
function checkLedger(rows: LedgerRow[], migrations: Migration[]): void {
  const ours = new Map(migrations.map((migration) => [migration.name, migration]))
  const unknown = rows.find((row) => !ours.has(row.migration_name))
  if (unknown && !rows.some((row) => ours.has(row.migration_name)))
    throw new ConfigError(
      `The database belongs to another program (its migrations begin with ${unknown.migration_name}). Point DATABASE_URL at an empty database of its own.`,
    )
  if (unknown)
    throw new ConfigError(
      `The database is newer than this Sluice: it has the migration ${unknown.migration_name}. Start the newer version, or restore the backup made before the update.`,
    )
  const failed = rows.find((row) => row.finished_at === null)
  if (failed)
    throw new ConfigError(
      `The migration ${failed.migration_name} failed earlier and was left half done. Restore a backup, or repair it and run \`prisma migrate resolve\`.`,
    )
  const changed = rows.find((row) => ours.get(row.migration_name)?.checksum !== row.checksum)
  if (changed)
    throw new ConfigError(
      `The migration ${changed.migration_name} was changed after it was applied. Restore the file from the release; schema changes go into a new migration.`,
    )
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const startedAt = new Date()
  await client.query('BEGIN')
  try {
    await client.query(migration.sql)
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at, applied_steps_count)
       VALUES ($1, $2, clock_timestamp(), $3, NULL, NULL, $4, 1)`,
      [randomUUID(), migration.checksum, migration.name, startedAt],
    )
    await client.query('COMMIT')
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => {})
    if (!isDatabaseError(cause)) throw cause
    throw new ConfigError(
      `The migration ${migration.name} could not be applied and was undone: ${(cause as Error).message}. Nothing was changed; report this with the versions of Sluice and Postgres.`,
      { cause },
    )
  }
}

/** True for an answer of Postgres itself; false for a lost or refused connection. */
function isDatabaseError(error: unknown): boolean {
  return error instanceof pg.DatabaseError
}

function unreachable(databaseUrl: string, cause: unknown): ConfigError {
  const reason = cause instanceof Error && cause.message ? cause.message : String((cause as { code?: string })?.code)
  return new ConfigError(
    `${describeDatabase(databaseUrl)} cannot be used: ${reason}. Check that it runs, and DATABASE_URL.`,
    {
      cause,
    },
  )
}

/** Host, port and name of a database, without the password. */
function describeDatabase(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl)
    return `The database ${url.pathname.slice(1) || 'postgres'} at ${url.hostname || 'localhost'}:${url.port || 5432}`
  } catch {
    return 'The database'
  }
}
