import { listEngines } from '../../db/engines.ts'
import { procedure, router } from '../trpc.ts'

export const enginesRouter = router({
  list: procedure.query(({ ctx }) => listEngines(ctx.services.db)),
})
