import { ConfigError, readEnv } from '../src/server/config/env.ts'
import { resolveConnections } from '../src/server/config/runtime.ts'
import { migrate } from '../src/server/db/migrate.ts'

// `npm run migrate`: brings the database of DATABASE_URL, or of a running `npm start`, up to this code.
try {
  // Migrating seals nothing, so a missing key is no reason to refuse.
  const env = readEnv()
  const databaseUrl = env.DATABASE_URL ?? resolveConnections(env).databaseUrl
  const { applied } = await migrate(databaseUrl)
  for (const name of applied) console.log(`applied ${name}`)
  console.log(applied.length === 0 ? 'The database is up to date.' : `${applied.length} applied.`)
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
