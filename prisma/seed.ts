// Fills a database for looking at pages: node prisma/seed.ts SCENARIO [--wipe] [--live]. Nothing in it is used by the product.
import { readEnv } from '../src/server/config/env.ts'
import { resolveConnections } from '../src/server/config/runtime.ts'
import { createDb, type Db } from '../src/server/db/client.ts'
import { migrate } from '../src/server/db/migrate.ts'
import { createSealer } from '../src/server/secrets.ts'
import { keepAlive, writeBuckets, writeEngines } from './seed/engines-and-buckets.ts'
import { writeCacheHistory, writeOrigins } from './seed/origins-and-cache.ts'
import { writeReportRuns } from './seed/report-runs.ts'
import { SCENARIOS } from './seed/scenarios.ts'
import { writeTransfers } from './seed/write-transfers.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const scenario = SCENARIOS[args.find((arg) => !arg.startsWith('-')) ?? '']
  if (!scenario) {
    say('Say which scenario: node prisma/seed.ts SCENARIO [--wipe] [--live]')
    for (const [name, { says }] of Object.entries(SCENARIOS)) say(`  ${name.padEnd(8)} ${says}`)
    say('--wipe  empty the database first; without it a database with transfers or buckets is left alone')
    say('--live  play the engines (heartbeats, progress, samples) until Ctrl-C')
    return 2
  }
  const connections = resolveConnections(readEnv())
  await migrate(connections.databaseUrl)
  const db = createDb(connections.databaseUrl, 4)
  try {
    if (args.includes('--wipe')) await wipe(db)
    else if ((await db.transfer.count()) + (await db.bucket.count()) > 0) {
      say(
        'This database is not empty, so nothing was written. Add --wipe to empty it first, or name another in DATABASE_URL.',
      )
      return 1
    }
    const sealer = createSealer(connections.secretKey)
    const bucketIds = await writeBuckets(db, sealer, scenario.buckets)
    const engineIds = await writeEngines(db, scenario.engines)
    const running = await writeTransfers(db, sealer, scenario.transfers(), bucketIds, engineIds)
    if (scenario.reports) await writeReportRuns(db, sealer, bucketIds, engineIds)
    if (scenario.origins) {
      await writeOrigins(db, sealer)
      await writeCacheHistory(db, engineIds)
    }
    const counts = [
      `${await db.transfer.count()} transfers`,
      `${await db.part.count()} parts`,
      `${await db.sample.count()} samples`,
      `${bucketIds.size} buckets`,
      `${engineIds.length} engines`,
    ]
    say(`Seeded ${counts.join(', ')}.`)
    if (args.includes('--live')) {
      say('Playing the engines until Ctrl-C.')
      const stop = new AbortController()
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
      await keepAlive(db, engineIds, running, stop.signal)
    }
    return 0
  } finally {
    await db.$disconnect()
  }
}

async function wipe(db: Db): Promise<void> {
  await db.$executeRaw`TRUNCATE "Transfer", "Part", "PartClaim", "Sample", "Event", "Inspection", "Engine", "Bucket", "Origin", "PublishedOrigin", "CachePurge", "CacheSample", "EngineQuestion", "ApiToken" CASCADE`
}

process.exitCode = await main(process.argv.slice(2))
