import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { migrate } from './migrate.ts'

const serverUrl = process.env.SLUICE_TEST_POSTGRES_URL ?? ''
let client: pg.Client
let url: string
let name: string
let dir: string

async function onServer(statement: string) {
  const server = new pg.Client({ connectionString: serverUrl })
  await server.connect()
  try {
    await server.query(statement)
  } finally {
    await server.end()
  }
}

beforeEach(async () => {
  name = `migrate_${randomBytes(6).toString('hex')}`
  await onServer(`CREATE DATABASE ${name}`)
  const target = new URL(serverUrl)
  target.pathname = `/${name}`
  url = target.href
  client = new pg.Client({ connectionString: url })
  await client.connect()
  dir = mkdtempSync(join(tmpdir(), 'migrations-'))
})

afterEach(async () => {
  await client.end()
  await onServer(`DROP DATABASE ${name} WITH (FORCE)`)
  rmSync(dir, { recursive: true })
})

function addMigration(migration: string, sql: string) {
  mkdirSync(join(dir, migration))
  writeFileSync(join(dir, migration, 'migration.sql'), sql)
}

const ledger = async () => (await client.query('SELECT * FROM _prisma_migrations ORDER BY migration_name')).rows
const message = (promise: Promise<unknown>) =>
  promise.then(
    () => 'did not fail',
    (error: Error) => `${error.name}: ${error.message}`,
  )

describe('migrate', () => {
  it("applies the project's migrations once and keeps the ledger as Prisma does", async () => {
    const names = readdirSync('prisma/migrations', { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
    expect(await migrate(url)).toEqual({ applied: names })
    expect(await migrate(url)).toEqual({ applied: [] })
    const rows = await ledger()
    expect(rows.map((row) => row.migration_name)).toEqual(names)
    const sql = readFileSync(`prisma/migrations/${names[0]}/migration.sql`)
    expect(rows[0]).toMatchObject({
      checksum: createHash('sha256').update(sql).digest('hex'),
      applied_steps_count: 1,
      logs: null,
      rolled_back_at: null,
    })
    expect(rows[0].finished_at).toBeInstanceOf(Date)
    expect(rows[0].id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('lets several starts at once apply each migration exactly once', async () => {
    addMigration('1_a', 'CREATE TABLE a (x int)')
    addMigration('2_b', 'CREATE TABLE b (x int)')
    const results = await Promise.all([1, 2, 3].map(() => migrate(url, { migrationsDir: dir })))
    expect(results.flatMap((result) => result.applied).sort()).toEqual(['1_a', '2_b'])
  })

  it('undoes a migration that fails, says which, and goes on once it is repaired', async () => {
    addMigration('1_a', 'CREATE TABLE a (x int)')
    addMigration('2_b', 'CREATE TABLE b (x int); CREATE TABLE a (x int)')
    expect(await message(migrate(url, { migrationsDir: dir }))).toMatch(
      /^ConfigError: The migration 2_b could not be applied and was undone: relation "a" already exists/,
    )
    expect((await client.query("SELECT to_regclass('b') AS b")).rows[0].b).toBeNull()
    writeFileSync(join(dir, '2_b', 'migration.sql'), 'CREATE TABLE b (x int)')
    expect(await migrate(url, { migrationsDir: dir })).toEqual({ applied: ['2_b'] })
  })

  it('refuses a migration that was changed after it was applied', async () => {
    addMigration('1_a', 'CREATE TABLE a (x int)')
    await migrate(url, { migrationsDir: dir })
    writeFileSync(join(dir, '1_a', 'migration.sql'), 'CREATE TABLE a (x bigint)')
    expect(await message(migrate(url, { migrationsDir: dir }))).toContain('1_a was changed after it was applied')
  })

  it('refuses a database in which an earlier migration failed', async () => {
    addMigration('1_a', 'CREATE TABLE a (x int)')
    await migrate(url, { migrationsDir: dir })
    await client.query('UPDATE _prisma_migrations SET finished_at = NULL')
    expect(await message(migrate(url, { migrationsDir: dir }))).toContain('1_a failed earlier')
  })

  it('applies a migration again that was marked as rolled back', async () => {
    addMigration('1_a', 'CREATE TABLE IF NOT EXISTS a (x int)')
    await migrate(url, { migrationsDir: dir })
    await client.query('UPDATE _prisma_migrations SET rolled_back_at = now()')
    expect(await migrate(url, { migrationsDir: dir })).toEqual({ applied: ['1_a'] })
  })

  it('refuses a database that is newer than the code', async () => {
    addMigration('1_a', 'CREATE TABLE a (x int)')
    addMigration('2_b', 'CREATE TABLE b (x int)')
    await migrate(url, { migrationsDir: dir })
    rmSync(join(dir, '2_b'), { recursive: true })
    expect(await message(migrate(url, { migrationsDir: dir }))).toContain(
      'newer than this Sluice: it has the migration 2_b',
    )
  })

  it("refuses another program's database, with and without a ledger of migrations", async () => {
    await client.query('CREATE TABLE customers (x int)')
    expect(await message(migrate(url))).toContain('such as "customers"')
    await client.query('DROP TABLE customers')
    addMigration('1_theirs', 'CREATE TABLE a (x int)')
    await migrate(url, { migrationsDir: dir })
    expect(await message(migrate(url))).toContain('belongs to another program (its migrations begin with 1_theirs)')
  })

  it('says in one sentence that a database cannot be reached, without the password', async () => {
    const away = await message(migrate('postgresql://sluice:password1@127.0.0.1:1/gone'))
    expect(away).toMatch(/^ConfigError: The database gone at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/)
    expect(away).not.toContain('password1')
  })
})
