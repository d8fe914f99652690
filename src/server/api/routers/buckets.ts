import { z } from 'zod'
import { checkBucketExists, isBucketTested, listBuckets, removeBucket, saveBucket } from '../../db/buckets.ts'
import { askLifecycle, lookAtBucket } from '../../db/inspections.ts'
import { bucketSaveSchema } from '../../domain/bucket.ts'
import { procedure, router } from '../trpc.ts'
import { untilStop } from '../until-stop.ts'

export const bucketsRouter = router({
  list: procedure.query(({ ctx }) => listBuckets(ctx.services.db)),
  save: procedure.input(bucketSaveSchema).mutation(async ({ ctx, input }) => {
    const { db, sealer } = ctx.services
    const saved = await saveBucket(db, sealer, input)
    if (!(await isBucketTested(db, saved.id))) await lookAtBucket(db, sealer, saved.id)
    return saved
  }),
  /** A mutation that has an engine change a setting of the bucket itself, and nothing else of it. */
  installLifecycleRule: procedure
    .input(z.object({ id: z.uuid('A bucket id is a UUID.') }))
    .mutation(async ({ ctx, input, signal }) => {
      await checkBucketExists(ctx.services.db, input.id)
      return askLifecycle({ ...ctx.services, signal: untilStop(ctx.services, signal) }, { bucketId: input.id })
    }),
  remove: procedure
    .input(z.object({ id: z.uuid('A bucket id is a UUID.') }))
    .mutation(({ ctx, input }) => removeBucket(ctx.services.db, input.id)),
})
