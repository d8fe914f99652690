import { fileURLToPath } from 'node:url'
import { ConfigError, readEnv } from '../src/server/config/env.ts'
import { resolveConnections } from '../src/server/config/runtime.ts'
import { runNode } from './start/run-node.ts'

// `npm run web`: the dashboard and the API alone, on DATABASE_URL or beside a running `npm start`.
try {
  const env = readEnv()
  resolveConnections(env)
  const next = fileURLToPath(import.meta.resolve('next/dist/bin/next'))
  const host = env.SLUICE_HOST.replace(/^\[|\]$/g, '')
  process.exitCode = await runNode([next, 'start', '-H', host, '-p', String(env.PORT)], { NODE_ENV: 'production' })
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
