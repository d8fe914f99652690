import { z } from 'zod'
import { setEngineBandwidth } from '../../db/engine-settings.ts'
import { listEngines } from '../../db/engines.ts'
import { bandwidthLimitSchema } from '../../domain/transfer-input.ts'
import { procedure, router } from '../trpc.ts'

export const enginesRouter = router({
  list: procedure.query(({ ctx }) => listEngines(ctx.services.db)),

  setBandwidth: procedure
    .input(z.object({ id: z.uuid('An engine id is a UUID.'), bytesPerSecond: bandwidthLimitSchema.nullable() }))
    .mutation(({ ctx, input }) => setEngineBandwidth(ctx.services.db, input.id, input.bytesPerSecond)),
})
