import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'

let dataDir: string
let running: EmbeddedPostgres[]
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice postgres é '))
  running = []
})
afterEach(async () => {
  for (const postgres of running) await postgres.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

async function start(): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres({ dataDir, log: () => {} })
  running.push(postgres)
  return postgres
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const postmasterPid = () => Number.parseInt(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8'), 10)

describe('the embedded Postgres', () => {
  test('is version 18, keeps its data over a stop, and its password file is closed to others', async () => {
    const first = await start()
    expect(await query(first.url, 'SHOW server_version')).toEqual([{ server_version: expect.stringMatching(/^18\./) }])
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    expect(await first.exited).toBe(0)
    const second = await start()
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600)
  })

  test('recovers what was committed before all of its processes were killed', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    process.kill(postmasterPid(), 'SIGKILL')
    expect(await first.exited).not.toBe(0)
    const second = await start()
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
  })

  test('starts although a stale postmaster.pid names the process of another program', async () => {
    const first = await start()
    await first.stop()
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `${process.pid}\n`)
    const second = await start()
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('ends when the process that started it is killed', async () => {
    const program = `import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'postgres.ts'))}
      await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, log: () => {} })
      process.kill(process.pid, 'SIGKILL')`
    expect(() =>
      execFileSync(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'ignore' }),
    ).toThrow()
    const second = await start()
    expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('says which version made a folder of another major version', async () => {
    mkdirSync(join(dataDir, 'postgres'))
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '14\n')
    writeFileSync(join(dataDir, 'postgres-password'), 'x\n')
    await expect(start()).rejects.toThrow(/was made by Postgres 14, and the embedded one is 18/)
  })

  test('says that a folder which is not of Postgres is in its place', async () => {
    mkdirSync(join(dataDir, 'postgres'))
    writeFileSync(join(dataDir, 'postgres', 'holiday.jpg'), '')
    writeFileSync(join(dataDir, 'postgres-password'), 'x\n')
    await expect(start()).rejects.toThrow(/is not a folder of Postgres/)
  })

  test('says that the password file is missing or another', async () => {
    const first = await start()
    await first.stop()
    writeFileSync(join(dataDir, 'postgres-password'), 'another\n')
    await expect(start()).rejects.toThrow(/is not the one of the embedded database/)
    rmSync(join(dataDir, 'postgres-password'))
    await expect(start()).rejects.toThrow(/postgres-password is missing/)
  })
})
