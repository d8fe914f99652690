import { checkBucketExists, checkKeys } from '../../db/buckets.ts'
import { askBucket, askSource } from '../../db/inspections.ts'
import { TransferError } from '../../domain/failure.ts'
import { bucketQuestionSchema, sourceQuestionSchema } from '../../domain/inspection.ts'
import { sourceUrlProblem } from '../../domain/transfer-input.ts'
import { procedure, router } from '../trpc.ts'
import { untilStop } from '../until-stop.ts'

/** Mutations, because each makes an engine connect to the outside. */
export const inspectionsRouter = router({
  source: procedure.input(sourceQuestionSchema).mutation(({ ctx, input, signal }) => {
    const url = input.url.trim()
    const problem = sourceUrlProblem(url)
    if (problem) throw new TransferError(problem.code, problem.message)
    return askSource({ ...ctx.services, signal: untilStop(ctx.services, signal) }, { ...input, url })
  }),

  bucket: procedure.input(bucketQuestionSchema).mutation(async ({ ctx, input, signal }) => {
    if ('draft' in input) checkKeys(input.draft)
    const stored = 'draft' in input ? input.draft.id : input.bucketId
    if (stored !== undefined) await checkBucketExists(ctx.services.db, stored)
    return askBucket({ ...ctx.services, signal: untilStop(ctx.services, signal) }, input)
  }),
})
