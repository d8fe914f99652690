import { type RecentThroughput, recentThroughput, systemHealth } from '../../db/engines.ts'
import type { Services } from '../context.ts'
import { procedure, router } from '../trpc.ts'

/** Every open page asks for the health each few seconds; the sums over all samples are made once for all of them. */
const THROUGHPUT_TTL_MS = 5_000
const latest = new WeakMap<Services, { untilMs: number; throughput: Promise<RecentThroughput> }>()

export const systemRouter = router({
  health: procedure.query(({ ctx }) =>
    systemHealth(ctx.services.db, ctx.services.version, cachedThroughput(ctx.services)),
  ),
})

function cachedThroughput(services: Services): Promise<RecentThroughput> {
  const known = latest.get(services)
  if (known && performance.now() < known.untilMs) return known.throughput
  const throughput = recentThroughput(services.db)
  latest.set(services, { untilMs: performance.now() + THROUGHPUT_TTL_MS, throughput })
  throughput.catch(() => latest.delete(services)) // The next question asks again instead of repeating the failure.
  return throughput
}
