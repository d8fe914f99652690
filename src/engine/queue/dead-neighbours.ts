import { isRunning, machineIdentity } from '../../server/config/process-identity.ts'
import { countCrashes, releaseClaims } from '../../server/db/claims.ts'
import type { Db } from '../../server/db/client.ts'
import { sayGoodbye, unendedEngines } from '../../server/db/engine-heartbeat.ts'

/**
 * Hands back the claims of engines that were killed on this machine: their processes are gone, so nobody needs to wait for
 * their leases to end. After a crash a restarted engine goes on at once. Returns how many there were.
 */
export async function releaseDeadNeighbours(db: Db, engineId: string): Promise<number> {
  const machine = machineIdentity()
  if (machine === null) return 0
  let released = 0
  for (const engine of await unendedEngines(db, machine)) {
    if (engine.id === engineId || engine.process === null || isRunning(engine.process)) continue
    await countCrashes(db, engine.id)
    await releaseClaims(db, engine.id)
    await sayGoodbye(db, engine.id)
    released++
  }
  return released
}
