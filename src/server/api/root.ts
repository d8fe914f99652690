import { bucketsRouter } from './routers/buckets.ts'
import { cacheRouter } from './routers/cache.ts'
import { enginesRouter } from './routers/engines.ts'
import { inspectionsRouter } from './routers/inspections.ts'
import { originsRouter } from './routers/origins.ts'
import { progressRouter } from './routers/progress.ts'
import { reportsRouter } from './routers/reports.ts'
import { systemRouter } from './routers/system.ts'
import { tokensRouter } from './routers/tokens.ts'
import { transfersRouter } from './routers/transfers.ts'
import { createCallerFactory, router } from './trpc.ts'

/** The whole API; its names are promises (the contract in docs/). */
export const appRouter = router({
  transfers: transfersRouter,
  inspections: inspectionsRouter,
  progress: progressRouter,
  reports: reportsRouter,
  buckets: bucketsRouter,
  origins: originsRouter,
  cache: cacheRouter,
  engines: enginesRouter,
  tokens: tokensRouter,
  system: systemRouter,
})

export type AppRouter = typeof appRouter

/** Calls procedures in this process, with all checks of a request. */
export const createCaller = createCallerFactory(appRouter)
