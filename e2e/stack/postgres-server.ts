import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../src/embedded/postgres.ts'

/**
 * Global set-up of the integration tests: one Postgres for all of them, in a temporary folder, named to the workers by
 * SLUICE_TEST_POSTGRES_URL. Where that is set already, the server it names is used (its user must be allowed CREATE DATABASE).
 */
export default async function startPostgresServer(): Promise<() => Promise<void>> {
  if (process.env.SLUICE_TEST_POSTGRES_URL) return async () => {}
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-test-postgres-'))
  const postgres = await startPostgres({ dataDir, log: () => {} })
  process.env.SLUICE_TEST_POSTGRES_URL = postgres.url
  return async () => {
    delete process.env.SLUICE_TEST_POSTGRES_URL
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
