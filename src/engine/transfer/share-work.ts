import { giveClaimsBack } from '../../server/db/claims.ts'
import type { ActiveTransfer } from './active-transfer.ts'
import type { RemainingWork } from './remaining-work.ts'
import type { WorkContext } from './work-context.ts'

/**
 * Gives part of what this engine has claimed and not begun to engines that have nothing to do: with one of them half, with two
 * two thirds. So an engine that joins late helps within seconds, although claims are taken many at once.
 */
export function shareWork(context: WorkContext, active: ActiveTransfer, work: RemainingWork, wanting: number): void {
  if (wanting === 0) return
  const claims = work.giveBack(wanting / (wanting + 1))
  if (claims.length === 0) return
  const ids = claims.map((claim) => claim.id)
  // No longer renewed from here on: if the statement fails, their lease runs out.
  for (const id of ids) active.claimIds.delete(id)
  active.givenBack++
  giveClaimsBack(context.db, context.engineId, active.id, ids).catch((err) =>
    context.log.warn(
      { transferId: active.id, err },
      'parts could not be given to another engine; their lease will end',
    ),
  )
}
