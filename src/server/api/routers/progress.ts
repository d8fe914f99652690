import { tracked } from '@trpc/server'
import { z } from 'zod'
import { followSamples } from '../../db/follow-samples.ts'
import { sampleWindow } from '../../db/samples.ts'
import { TransferError } from '../../domain/failure.ts'
import { procedure, router, toTrpcError } from '../trpc.ts'
import { untilStop } from '../until-stop.ts'

const transferId = z.uuid('A transfer id is a UUID.')

export const progressRouter = router({
  window: procedure
    .input(
      z.object({
        transferId,
        points: z.number().int().min(2, 'At least 2 points.').max(2000, 'At most 2,000 points.').optional(),
      }),
    )
    .query(({ ctx, input }) => sampleWindow(ctx.services.db, input.transferId, input.points)),

  onSample: procedure
    .input(
      z.object({
        transferId,
        lastEventId: z
          .string()
          .regex(/^\d{1,19}$/, 'lastEventId is the id of the last sample received.')
          .nullish(),
      }),
    )
    .subscription(async function* ({ ctx, input, signal }) {
      const { db, notifications, stopping } = ctx.services
      const until = untilStop(ctx.services, signal)
      const after = BigInt(input.lastEventId ?? 0)
      try {
        for await (const { id, sample } of followSamples({ db, notifications, signal: until }, input.transferId, after))
          yield tracked(String(id), sample)
        // A client takes a plain end for the end of the transfer; after this failure it connects again and goes on.
        if (stopping.aborted)
          throw new TransferError('shutting_down', 'Sluice is stopping. The page goes on once it is back.', {
            retry: 'now',
          })
      } catch (error) {
        throw toTrpcError(error)
      }
    }),
})
