import { z } from 'zod'
import { awaitPurge, requestPurge } from '../../db/cache-purges.ts'
import { cacheHistory } from '../../db/cache-samples.ts'
import { askEngines } from '../../db/engine-questions.ts'
import { listEngines } from '../../db/engines.ts'
import { type CacheOverview, cacheObjectPageSchema, mergeObjects, purgeTargetSchema } from '../../domain/cache.ts'
import { procedure, router } from '../trpc.ts'

const HISTORY_HOURS = 1
const MAX_OBJECTS = 1_000

const objectsSchema = z
  .object({
    search: z.string().max(512, 'A search has at most 512 characters.').optional(),
    /** How many to skip: the `nextCursor` of the page before. */
    cursor: z
      .string()
      .regex(/^\d{1,4}$/, 'A cursor is the nextCursor of the page before.')
      .nullish(),
    limit: z.number().int().min(1).max(200).default(50),
  })
  .default({ limit: 50 })

export const cacheRouter = router({
  stats: procedure.query(async ({ ctx }): Promise<CacheOverview> => {
    const [engines, history] = await Promise.all([
      listEngines(ctx.services.db),
      cacheHistory(ctx.services.db, HISTORY_HOURS),
    ])
    const found = history.steps.reduce((total, { hits }) => total + hits, 0)
    const asked = found + history.steps.reduce((total, { misses }) => total + misses, 0)
    return {
      engines: engines.flatMap(({ id, name, state, stats }) =>
        state === 'healthy' && stats?.cache ? [{ id, name, cache: stats.cache }] : [],
      ),
      history,
      hitRate: asked === 0 ? null : found / asked,
    }
  }),
  /** Engines are asked, each for what it has; the answers are put together. */
  objects: procedure.input(objectsSchema).query(async ({ ctx, input, signal }) => {
    const first = Number(input.cursor ?? 0)
    const end = Math.min(MAX_OBJECTS, first + input.limit)
    const question = { search: input.search ?? '', limit: end }
    const { db, notifications } = ctx.services
    const { answers, silent } = await askEngines(db, notifications, 'cache.objects', question, signal)
    const pages = answers.flatMap(({ engineId, answer }) => {
      const page = cacheObjectPageSchema.safeParse(answer).data
      return page ? [{ engineId, ...page }] : []
    })
    const merged = mergeObjects(pages)
    const hasMore = merged.length > end || (end < MAX_OBJECTS && pages.some(({ nextCursor }) => nextCursor !== null))
    return {
      items: merged.slice(first, end),
      nextCursor: hasMore && end < MAX_OBJECTS ? String(end) : null,
      /** Of the engine that has the most; engines may have the same ones. */
      total: Math.max(0, ...pages.map(({ total }) => total)),
      enginesSilent: silent,
    }
  }),
  /** Written down for every engine, also for one that starts later; waits a few seconds for those that run. */
  purge: procedure.input(z.object({ target: purgeTargetSchema })).mutation(async ({ ctx, input, signal }) => {
    const id = await requestPurge(ctx.services.db, input.target)
    return awaitPurge(ctx.services.db, ctx.services.notifications, id, signal)
  }),
})
