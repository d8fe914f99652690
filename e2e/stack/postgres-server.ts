import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../src/embedded/postgres.ts'
import { createTemplate, runOnServer } from './test-database.ts'

/**
 * Global set-up of the integration tests: one Postgres for all of them, in a temporary folder, named to the workers by
 * SLUICE_TEST_POSTGRES_URL. Where that is set already, the server it names is used (its user must be allowed CREATE DATABASE).
 * SLUICE_TEST_TEMPLATE names a database on it that is migrated: those of the tests are copies.
 */
export default async function startPostgresServer(): Promise<() => Promise<void>> {
  const server = process.env.SLUICE_TEST_POSTGRES_URL ? null : await startOwn()
  const url = server?.url ?? process.env.SLUICE_TEST_POSTGRES_URL ?? ''
  process.env.SLUICE_TEST_POSTGRES_URL = url
  const template = await createTemplate(url)
  process.env.SLUICE_TEST_TEMPLATE = template
  return async () => {
    delete process.env.SLUICE_TEST_TEMPLATE
    if (!server) return runOnServer(url, `DROP DATABASE ${template}`)
    delete process.env.SLUICE_TEST_POSTGRES_URL
    await server.stop()
  }
}

async function startOwn(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-test-postgres-'))
  const postgres = await startPostgres({ dataDir, log: () => {} })
  // It is thrown away: a crash of the machine may cost all of it. Tests in which Postgres crashes have one of their own.
  for (const setting of ['fsync', 'full_page_writes'])
    await runOnServer(postgres.url, `ALTER SYSTEM SET ${setting} = off`)
  await runOnServer(postgres.url, 'SELECT pg_reload_conf()')
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
