import { median, spread } from '../statistics.ts'
import type { Run, ScenarioResult } from './result.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** Medians of one peer's rounds. */
export interface Row {
  readonly peer: string
  readonly rounds: number
  readonly wallSeconds: number
  /** How far the rounds lay apart, as a share of the median. */
  readonly wallSpread: number
  readonly mibPerSecond: number
  readonly cpuSecondsPerGib: number
  readonly peakRssMib: number
  readonly idleRssMib: number | null
  readonly sourceRequests: number
  readonly refusedRequests: number
  readonly storeRequests: number | null
  /** The time and CPU it takes for a byte, in those of the reference: 2 is twice as much. Null where there is none. */
  readonly timesReference: number | null
  readonly cpuTimesReference: number | null
  /** It did less than the others, and is measured by its rate. */
  readonly isShorter: boolean
}

/** One row for each peer that has a result, in the order of their first runs, the reference first. */
export function summarise(result: ScenarioResult, reference = 'sluice'): Row[] {
  const byPeer = new Map<string, Run[]>()
  for (const run of result.runs) byPeer.set(run.peer, [...(byPeer.get(run.peer) ?? []), run])
  const names = [...byPeer.keys()].sort((a, b) => Number(b === reference) - Number(a === reference))
  const ofReference = byPeer.get(reference)
  const rate = (runs: readonly Run[]) => of(runs, (run) => run.bytes / MIB / run.wallSeconds)
  const cpu = (runs: readonly Run[]) => of(runs, (run) => run.cpuSeconds / (run.bytes / GIB))
  return names.map((peer) => {
    const runs = byPeer.get(peer) ?? []
    const idle = runs.flatMap((run) => (run.idleRssBytes === undefined ? [] : [run.idleRssBytes]))
    const storeRequests = runs.flatMap((run) => (run.storeRequests === null ? [] : [run.storeRequests]))
    return {
      peer,
      rounds: runs.length,
      wallSeconds: of(runs, (run) => run.wallSeconds),
      wallSpread: spread(runs.map((run) => run.wallSeconds)) ?? 0,
      mibPerSecond: rate(runs),
      cpuSecondsPerGib: cpu(runs),
      peakRssMib: of(runs, (run) => run.peakRssBytes / MIB),
      idleRssMib: idle.length === 0 ? null : (median(idle) ?? 0) / MIB,
      sourceRequests: of(runs, (run) => run.sourceRequests),
      refusedRequests: of(runs, (run) => run.refusedRequests),
      storeRequests: median(storeRequests),
      timesReference: ofReference ? rate(ofReference) / rate(runs) : null,
      cpuTimesReference: ofReference ? cpu(runs) / cpu(ofReference) : null,
      isShorter: peer in result.scenario.shorter,
    }
  })
}

function of(runs: readonly Run[], figure: (run: Run) => number): number {
  return median(runs.map(figure)) ?? Number.NaN
}
