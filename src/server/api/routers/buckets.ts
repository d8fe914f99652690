import { z } from 'zod'
import { listBuckets, removeBucket, saveBucket } from '../../db/buckets.ts'
import { bucketSaveSchema } from '../../domain/bucket.ts'
import { procedure, router } from '../trpc.ts'

export const bucketsRouter = router({
  list: procedure.query(({ ctx }) => listBuckets(ctx.services.db)),
  save: procedure
    .input(bucketSaveSchema)
    .mutation(({ ctx, input }) => saveBucket(ctx.services.db, ctx.services.sealer, input)),
  remove: procedure
    .input(z.object({ id: z.uuid('A bucket id is a UUID.') }))
    .mutation(({ ctx, input }) => removeBucket(ctx.services.db, input.id)),
})
