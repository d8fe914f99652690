import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ConfigError, readEnv } from '../src/server/config/env.ts'
import { resolveConnections } from '../src/server/config/runtime.ts'
import { createDb, type Db } from '../src/server/db/client.ts'
import { hasHealthyEngine } from '../src/server/db/engines.ts'
import { verifyAgain } from '../src/server/db/transfer-actions.ts'
import { getTransfer } from '../src/server/db/transfers.ts'
import { TransferError } from '../src/server/domain/failure.ts'
import { progressLine } from './verify/progress-line.ts'
import { EXIT_CODES, verdictLines } from './verify/verdict-lines.ts'

// `npm run verify -- ID [--reread]`: has an engine prove a completed transfer once more, and prints what the verdict rests on. Exit code: 0
// verified, 1 mismatch, 2 size only, 3 it could not be found out, 64 wrong arguments.
const USAGE =
  'npm run verify -- TRANSFER_ID [--reread]\n  --reread  read the whole object back instead of asking the bucket'
const POLL_MS = 250
/** An engine takes a claim within a second; where none does, none is there. */
const ENGINE_MS = 30_000
/** A read-back says so often how far it is, on stderr. */
const TELL_MS = 5_000

async function main(): Promise<number> {
  let reread: boolean
  let ids: string[]
  try {
    const parsed = parseArgs({ allowPositionals: true, options: { reread: { type: 'boolean', default: false } } })
    reread = parsed.values.reread
    ids = parsed.positionals
  } catch (error) {
    return say((error as Error).message, EXIT_CODES.usage)
  }
  const [id, ...more] = ids
  if (!id || more.length > 0 || !/^[0-9a-f-]{36}$/i.test(id)) return say(USAGE, EXIT_CODES.usage)
  const env = readEnv()
  const db = createDb(env.DATABASE_URL ?? resolveConnections(env).databaseUrl, 2)
  try {
    return await verify(db, id, reread)
  } catch (error) {
    if (!(error instanceof TransferError)) throw error
    return say(error.message, EXIT_CODES.unknown)
  } finally {
    await db.$disconnect()
  }
}

async function verify(db: Db, id: string, reread: boolean): Promise<number> {
  const before = await getTransfer(db, id)
  const { changed, refused } = await verifyAgain(db, [id], reread)
  if (changed.length === 0 && before.status !== 'verifying')
    return say(refused[0]?.failure.message ?? 'It could not be verified.', EXIT_CODES.unknown)
  const deadline = performance.now() + ENGINE_MS
  let toldAtMs = performance.now()
  for (;;) {
    const transfer = await getTransfer(db, id)
    if (transfer.status !== 'verifying') {
      const [failed] = transfer.events
      if (failed?.code === 'verify_failed' || failed?.code === 'verify_stopped')
        return say(failed.message, EXIT_CODES.unknown)
      const { lines, exitCode } = verdictLines(transfer)
      return say(lines.join('\n'), exitCode)
    }
    // A large object takes its time; only that nobody has begun is a reason to give up.
    if (performance.now() > deadline && !(await hasHealthyEngine(db)))
      return say(
        'No engine is running, so nothing can look at the object. Start one with `npm run engine`.',
        EXIT_CODES.unknown,
      )
    const line = progressLine(transfer)
    if (line && performance.now() - toldAtMs >= TELL_MS) {
      toldAtMs = performance.now()
      console.error(line)
    }
    await delay(POLL_MS)
  }
}

function say(text: string, exitCode: number): number {
  if (exitCode === EXIT_CODES.verified || exitCode === EXIT_CODES.sizeOnly) console.log(text)
  else console.error(text)
  return exitCode
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.exitCode = say(error.message, EXIT_CODES.unknown)
}
