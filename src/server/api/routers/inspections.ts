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

  bucket: procedure
    .input(bucketQuestionSchema)
    .mutation(({ ctx, input, signal }) =>
      askBucket({ ...ctx.services, signal: untilStop(ctx.services, signal) }, input),
    ),
})
