import { z } from 'zod'
import { type CreateResult, createTransfer, createTransfers } from '../../db/create-transfers.ts'
import { applyAction, setBandwidth, verifyAgain } from '../../db/transfer-actions.ts'
import { getTransfer, listTransfers } from '../../db/transfers.ts'
import {
  bandwidthLimitSchema,
  type TransferInput,
  transferInputSchema,
  transferListSchema,
} from '../../domain/transfer-input.ts'
import type { TransferAction } from '../../domain/transfer-state.ts'
import { zodFailure } from '../errors.ts'
import { procedure, router } from '../trpc.ts'

const idsSchema = z.object({
  ids: z
    .array(z.uuid('A transfer id is a UUID.'))
    .min(1, 'Name at least one transfer.')
    .max(1000, 'At most 1,000 transfers at once.'),
})

/** Items are checked one by one, so that a bad link among a thousand does not stop the others. */
const manySchema = z.object({
  items: z
    .array(z.custom<z.input<typeof transferInputSchema>>())
    .min(1, 'Give at least one transfer.')
    .max(1000, 'At most 1,000 transfers at once.'),
})

const action = (name: TransferAction) =>
  procedure.input(idsSchema).mutation(({ ctx, input }) => applyAction(ctx.services.db, name, input.ids))

export const transfersRouter = router({
  create: procedure
    .input(transferInputSchema)
    .mutation(({ ctx, input }) => createTransfer(ctx.services.db, ctx.services.sealer, input)),

  createMany: procedure.input(manySchema).mutation(async ({ ctx, input }): Promise<{ results: CreateResult[] }> => {
    const checked = input.items.map((item) => transferInputSchema.safeParse(item))
    const good = checked.flatMap((result): TransferInput[] => (result.success ? [result.data] : []))
    const created = (await createTransfers(ctx.services.db, ctx.services.sealer, good)).values()
    return {
      results: checked.map((result): CreateResult => {
        if (!result.success) return { error: zodFailure(result.error) }
        const next = created.next()
        if (next.done) throw new Error('createTransfers answered fewer items than it was given')
        return next.value
      }),
    }
  }),

  list: procedure
    .input(transferListSchema.default({}))
    .query(({ ctx, input }) => listTransfers(ctx.services.db, input)),

  byId: procedure
    .input(z.object({ id: z.uuid('A transfer id is a UUID.') }))
    .query(({ ctx, input }) => getTransfer(ctx.services.db, input.id)),

  pause: action('pause'),
  resume: action('resume'),
  cancel: action('cancel'),
  retry: action('retry'),
  remove: action('remove'),
  stopVerifying: action('stopVerifying'),
  verify: procedure
    .input(idsSchema.extend({ reread: z.boolean().optional() }))
    .mutation(({ ctx, input }) => verifyAgain(ctx.services.db, input.ids, input.reread ?? false)),

  setBandwidth: procedure
    .input(
      idsSchema.extend({
        bytesPerSecond: bandwidthLimitSchema.nullable(),
      }),
    )
    .mutation(({ ctx, input }) => setBandwidth(ctx.services.db, input.ids, input.bytesPerSecond)),
})
