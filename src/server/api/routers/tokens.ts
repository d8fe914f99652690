import { z } from 'zod'
import { createToken, listTokens, revokeToken } from '../../db/tokens.ts'
import { tokenInputSchema } from '../../domain/token.ts'
import { procedure, router } from '../trpc.ts'

export const tokensRouter = router({
  list: procedure.query(({ ctx }) => listTokens(ctx.services.db)),
  create: procedure.input(tokenInputSchema).mutation(({ ctx, input }) => createToken(ctx.services.db, input)),
  revoke: procedure
    .input(z.object({ id: z.uuid('A token id is a UUID.') }))
    .mutation(({ ctx, input }) => revokeToken(ctx.services.db, input.id)),
})
