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
import { linkTarget } from '../../domain/link-target.ts'
import { mergeOriginStats } from '../../domain/merge-origin-stats.ts'
import { publishedOriginSaveSchema, signLinkSchema } from '../../domain/published-origin.ts'
import { signTarget, splitTarget } from '../../signed-link.ts'
import type { Services } from '../context.ts'
import { procedure, router } from '../trpc.ts'

export const originsRouter = router({
  /** With what the healthy engines say of each, and the beginning of its links. */
  list: procedure.query(async ({ ctx }) => {
    const [origins, engines] = await Promise.all([listPublishedOrigins(ctx.services.db), healthyEngines(ctx.services)])
    const address = addressOf(ctx.services, engines)
    return origins.map((origin) => ({
      ...origin,
      url: address === null ? null : `${address}/o/${origin.name}/`,
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
    const address = addressOf(ctx.services, await healthyEngines(ctx.services))
    if (address === null)
      throw new TransferError(
        'no_engine',
        'No engine is running, so there is no address a link could lead to. Start one with `npm run engine`.',
        { retry: 'later' },
      )
    const expiresAtSeconds = Math.floor(Date.now() / 1000) + input.expiresInSeconds
    const target = signTarget(key, { originId: input.originId, target: targetOf(input.path) }, expiresAtSeconds)
    return { url: `${address}/o/${name}/${target}`, expiresAt: new Date(expiresAtSeconds * 1000) }
  }),
})

async function healthyEngines({ db }: Services) {
  return (await listEngines(db)).filter(({ state }) => state === 'healthy')
}

/** Where readers reach the engines: what was set, else where one listens; null where nothing was set and none runs. */
function addressOf({ enginePublicUrl }: Services, engines: readonly { url: string }[]): string | null {
  return enginePublicUrl ?? engines[0]?.url ?? null
}

function targetOf(path: string): string {
  const written = linkTarget(path)
  const { target, link } = splitTarget(written ?? '')
  if (link)
    throw new TransferError(
      'invalid_input',
      'This path is a signed link already. Give the path without what begins with sluice-.',
    )
  if (target === '')
    throw new TransferError('invalid_input', 'The path is that of a file below the origin, such as videos/film.mp4.')
  return target
}
