import { z } from 'zod'
import { compareReports, reportByTransfer, reportViewOf } from '../../db/reports.ts'
import { exportReport } from '../export-report.ts'
import { procedure, router } from '../trpc.ts'

const transferId = z.uuid('A transfer id is a UUID.')

export const reportsRouter = router({
  byTransfer: procedure
    .input(z.object({ transferId }))
    .query(({ ctx, input }) => reportByTransfer(ctx.services.db, input.transferId)),

  view: procedure
    .input(z.object({ transferId }))
    .query(({ ctx, input }) => reportViewOf(ctx.services.db, input.transferId)),

  compare: procedure
    .input(
      z.object({
        transferIds: z
          .array(transferId)
          .min(1, 'Choose at least one transfer.')
          .max(20, 'At most 20 transfers at once.'),
      }),
    )
    .query(({ ctx, input }) => compareReports(ctx.services.db, input.transferIds)),

  export: procedure
    .input(z.object({ transferId, format: z.enum(['json', 'csv'], { error: 'The format is json or csv.' }) }))
    .query(async ({ ctx, input }) =>
      exportReport(await reportByTransfer(ctx.services.db, input.transferId), input.format),
    ),
})
