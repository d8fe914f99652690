import { ConfigError, readEnv } from '../server/config/env.ts'
import { resolveConnections } from '../server/config/runtime.ts'
import { databaseFailure, isSchemaMissing } from '../server/db/database-failure.ts'
import { createLog } from '../server/log.ts'
import { type Engine, startEngine } from './engine.ts'

/** How long a stop may take before the process ends all the same; leases then run out by themselves. */
const STOP_DEADLINE_MS = 25_000

/**
 * env → engine → signals → exit code. 0 after an orderly stop, 1 where it could not start, 2 where it had to be cut short.
 * A second signal ends it at once. A parent that started it over IPC takes it along when it goes.
 */
async function main(): Promise<void> {
  let engine: Engine
  try {
    const env = readEnv()
    engine = await startEngine(env, resolveConnections(env), createLog('engine', env.SLUICE_LOG_LEVEL))
    process.send?.({ engineUrl: engine.url })
  } catch (error) {
    process.stderr.write(`${sentence(error)}\n`)
    process.exit(1)
  }
  let isStopping = false
  const stop = () => {
    if (isStopping) process.exit(2)
    isStopping = true
    setTimeout(() => process.exit(2), STOP_DEADLINE_MS).unref()
    engine.stop().then(
      () => process.exit(0),
      () => process.exit(2),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  process.on('disconnect', stop)
}

function sentence(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (isSchemaMissing(error))
    return 'The database does not have the tables of this version yet. Run `npm run migrate` with the same DATABASE_URL first.'
  const failure = databaseFailure(error)
  if (failure) return failure.message
  return `The engine could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}

await main()
