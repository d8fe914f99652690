import { z } from 'zod'
import { requestPurge } from '../../db/cache-purges.ts'
import { listEngines } from '../../db/engines.ts'
import {
  listPublishedOrigins,
  removePublishedOrigin,
  savePublishedOrigin,
  signingKeyOf,
} from '../../db/published-origins.ts'
import { TransferError } from '../../domain/failure.ts'
import { mergeOriginStats } from '../../domain/merge-origin-stats.ts'
import { publishedOriginSaveSchema, signLinkSchema } from '../../domain/published-origin.ts'
import { signTarget, splitTarget } from '../../signed-link.ts'
import type { Services } from '../context.ts'
import { procedure, router } from '../trpc.ts'

export const originsRouter = router({
  /** With what the healthy engines say of each, and the beginning of its links on one of them. */
  list: procedure.query(async ({ ctx }) => {
    const [origins, engines] = await Promise.all([listPublishedOrigins(ctx.services.db), healthyEngines(ctx.services)])
    return origins.map((origin) => ({
      ...origin,
      url: engines[0] ? `${engines[0].url}/o/${origin.name}/` : null,
      /** Why an engine cannot serve it; null where all can. */
      problem:
        engines.flatMap(({ stats }) => stats?.unservedOrigins ?? []).find(({ id }) => id === origin.id)?.message ??
        null,
      stats: mergeOriginStats(
        engines.flatMap(({ stats }) => stats?.origins?.filter(({ originId }) => originId === origin.id) ?? []),
      ),
    }))
  }),
  save: procedure
    .input(publishedOriginSaveSchema)
    .mutation(({ ctx, input }) => savePublishedOrigin(ctx.services.db, ctx.services.sealer, input)),
  /** What is cached of it goes too: nobody could ask for it any more. */
  remove: procedure.input(z.object({ id: z.uuid('An origin id is a UUID.') })).mutation(async ({ ctx, input }) => {
    const removed = await removePublishedOrigin(ctx.services.db, input.id)
    await requestPurge(ctx.services.db, { originId: input.id })
    return removed
  }),
  signLink: procedure.input(signLinkSchema).mutation(async ({ ctx, input }) => {
    const { db, sealer } = ctx.services
    const { name, key } = await signingKeyOf(db, sealer, input.originId)
    const [engine] = await healthyEngines(ctx.services)
    if (!engine)
      throw new TransferError(
        'no_engine',
        'No engine is running, so there is no address a link could lead to. Start one with `npm run engine`.',
        { retry: 'later' },
      )
    const expiresAtSeconds = Math.floor(Date.now() / 1000) + input.expiresInSeconds
    const target = signTarget(key, { originId: input.originId, target: targetOf(input.path) }, expiresAtSeconds)
    return { url: `${engine.url}/o/${name}/${target}`, expiresAt: new Date(expiresAtSeconds * 1000) }
  }),
})

async function healthyEngines({ db }: Services) {
  return (await listEngines(db)).filter(({ state }) => state === 'healthy')
}

/** A path as it is written into a request line: what is encoded stays so, what may not stand there is encoded. */
function targetOf(path: string): string {
  const url = new URL(path.replace(/^\/+/, '').replaceAll('#', '%23'), 'http://origin.invalid/')
  const { target, link } = splitTarget(`${url.pathname.slice(1)}${url.search}`)
  if (url.host !== 'origin.invalid' || target === '')
    throw new TransferError('invalid_input', 'The path is that of a file below the origin, such as videos/film.mp4.')
  if (link)
    throw new TransferError(
      'invalid_input',
      'This path is a signed link already. Give the path without what begins with sluice-.',
    )
  return target
}
