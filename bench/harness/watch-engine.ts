import { createRequire } from 'node:module'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { BenchEngine } from '../../src/server/domain/bench-report.ts'
import { median } from '../statistics.ts'

// Loaded into the engine's process before it (`--import`): answers `watch` over IPC with what was seen since the last one. The engine
// knows nothing of it. Statements are counted where all of them pass, at the clients of the Postgres driver.

/** What a monitor that looks every 10 ms sees of a loop that is never late. */
const RESOLUTION_MS = 10
const LEAST_SECONDS = 5
/** Memory over time says something of runs that last. */
const LEAST_SECONDS_OF_QUARTERS = 60

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()

let statements = 0
const perSecond: number[] = []
const rssBytes: number[] = []
let countedBefore = 0
setInterval(() => {
  rssBytes.push(process.memoryUsage.rss())
  perSecond.push(statements - countedBefore)
  countedBefore = statements
}, 1_000).unref()

const { Client } = createRequire(import.meta.url)('pg') as {
  Client: { prototype: { query(...words: unknown[]): unknown } }
}
const { query } = Client.prototype
Client.prototype.query = function (...words) {
  statements++
  return query.apply(this, words)
}

/** The mean of each quarter. */
function quarters(values: readonly number[]): number[] {
  return [0, 1, 2, 3].map((quarter) => {
    const part = values.slice((values.length * quarter) / 4, (values.length * (quarter + 1)) / 4)
    return part.reduce((sum, value) => sum + value, 0) / part.length
  })
}

process.on('message', (message) => {
  if (message !== 'watch') return
  const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
  const figures: BenchEngine = {
    eventLoopP99Ms: lateMs(delay.percentile(99)),
    eventLoopMaxMs: lateMs(delay.max),
    databaseStatements: statements,
    databaseStatementsPerSecond: perSecond.length < LEAST_SECONDS ? null : median(perSecond),
    rssQuartersBytes: rssBytes.length < LEAST_SECONDS_OF_QUARTERS ? null : quarters(rssBytes),
  }
  delay.reset()
  statements = 0
  countedBefore = 0
  perSecond.length = 0
  rssBytes.length = 0
  process.send?.(figures)
})
