import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A bare start of node takes less where nothing else runs: there the answer is 1. */
const BARE_START_MS = 100
const STARTS = 5

/**
 * How many times longer than there a process takes to start here and now, and at least 1. For a promise of seconds that are all work
 * of processors: on a machine that gives a third of them, it holds for three times as long.
 */
export async function slowness(): Promise<number> {
  const tookMs: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const startedMs = performance.now()
    await promisify(execFile)(process.execPath, ['-e', '0'])
    tookMs.push(performance.now() - startedMs)
  }
  tookMs.sort((one, other) => one - other)
  return Math.max(1, (tookMs[Math.floor(STARTS / 2)] ?? 0) / BARE_START_MS)
}
