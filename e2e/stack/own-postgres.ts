import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedPostgres, startPostgres } from '../../src/embedded/postgres.ts'
import { findPostgresPlace } from '../../src/embedded/postgres-place.ts'
import { createTestDatabase, type TestDatabase } from './test-database.ts'

/** A Postgres server of a test's own, that can crash and come back. */
export interface OwnPostgres {
  readonly database: TestDatabase
  /** `pg_ctl stop -m immediate`: no checkpoint, sessions end at once; the next start recovers. */
  crash(): Promise<void>
  /** Starts it again on the same port, and resolves when it takes connections; at once where it runs. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Starts one in a temporary folder, with a migrated database. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-chaos-postgres-'))
  let server: EmbeddedPostgres = await startPostgres({ dataDir, log: () => {} })
  const { port } = server
  const { cluster } = await findPostgresPlace(dataDir)
  const database = await createTestDatabase(server.url)
  let isDown = false
  return {
    database,
    async crash() {
      const pid = Number.parseInt(readFileSync(join(cluster, 'postmaster.pid'), 'utf8'), 10)
      isDown = true
      process.kill(pid, 'SIGQUIT')
      await server.exited
    },
    async restart() {
      if (!isDown) return
      server = await startPostgres({ dataDir, port, log: () => {} })
      isDown = false
    },
    async close() {
      await database.db.$disconnect()
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
