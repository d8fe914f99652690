import { systemHealth } from '../../db/engines.ts'
import { procedure, router } from '../trpc.ts'

export const systemRouter = router({
  health: procedure.query(({ ctx }) => systemHealth(ctx.services.db, ctx.services.version)),
})
