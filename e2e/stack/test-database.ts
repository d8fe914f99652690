import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createDb, type Db } from '../../src/server/db/client.ts'
import { migrate } from '../../src/server/db/migrate.ts'

/** The tests' own client must not fail because their process, or the server, stood still for some seconds. */
const PATIENCE_MS = 120_000

/** A migrated database of its own for one test file or test. */
export interface TestDatabase {
  url: string
  db: Db
  /** Closes the client and drops the database, whoever else is still connected to it. */
  close(): Promise<void>
}

/**
 * Makes a new database that is migrated, unless told otherwise on the server of SLUICE_TEST_POSTGRES_URL: there it is a copy of the
 * migrated one (see postgres-server.ts).
 */
export async function createTestDatabase(
  serverUrl: string | undefined = process.env.SLUICE_TEST_POSTGRES_URL,
): Promise<TestDatabase> {
  if (!serverUrl) throw new Error('SLUICE_TEST_POSTGRES_URL is not set: run this in the integration project of Vitest.')
  const template = serverUrl === process.env.SLUICE_TEST_POSTGRES_URL ? process.env.SLUICE_TEST_TEMPLATE : undefined
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await runOnServer(serverUrl, `CREATE DATABASE ${name}${template ? ` TEMPLATE ${template}` : ''}`)
  if (!template) await migrate(url.href)
  const db = createDb(url.href, undefined, PATIENCE_MS)
  return {
    url: url.href,
    db,
    async close() {
      await db.$disconnect()
      await runOnServer(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

/** Makes and migrates a database to be copied, and returns its name. Nobody may be connected to it. */
export async function createTemplate(serverUrl: string): Promise<string> {
  const name = `test_template_${randomBytes(8).toString('hex')}`
  await runOnServer(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await migrate(url.href)
  return name
}

export async function runOnServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
