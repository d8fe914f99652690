import { type BenchRun, type BenchScenario, benchReportSchema } from '../../../../server/domain/bench-report.ts'
import { formatBytes, formatRate, GIB } from '../../../../server/domain/bytes.ts'
import { EMPTY_SECTION, type TableReport, type TableSection } from '../../../../server/domain/table-report.ts'

const OURS = 'sluice'

export function isBenchFile(json: object): boolean {
  return 'format' in json && json.format === 1 && 'machine' in json && 'results' in json
}

/** What `npm run bench` wrote. Throws a ZodError where it is damaged. */
export function readBenchFile(json: object): TableReport {
  const { machine, results } = benchReportSchema.parse(json)
  const runs = results.reduce((sum, result) => sum + result.runs.length, 0)
  return {
    kind: 'npm run bench',
    title: results.length === 1 ? (results[0]?.scenario.name ?? 'A bench') : `${results.length} scenarios`,
    sentences: [
      results.length === 1 && results[0]
        ? resultSentence(peersOf(results[0]))
        : `${results.length} scenarios, ${runs} runs; the bytes of each were verified.`,
    ],
    facts: [
      { name: 'Machine', value: `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}` },
      { name: 'System', value: machine.kernel },
      { name: 'When', value: results[0]?.startedAt.slice(0, 16).replace('T', ' ') ?? '–' },
    ],
    sections: results.map(sectionOf),
  }
}

/** Medians of one peer's rounds. Peers that did less than the others count by their rate. */
interface Peer {
  name: string
  isShorter: boolean
  rounds: number
  wallSeconds: number
  bytesPerSecond: number
  cpuSecondsPerGib: number
  peakRssBytes: number
  sourceRequests: number
  storeRequests: number | null
}

function peersOf({ runs, scenario }: BenchScenario): Peer[] {
  const byPeer = new Map<string, BenchRun[]>()
  for (const run of runs) byPeer.set(run.peer, [...(byPeer.get(run.peer) ?? []), run])
  return [...byPeer]
    .map(([name, list]) => ({
      name,
      isShorter: name in scenario.shorter,
      rounds: list.length,
      wallSeconds: median(list.map((run) => run.wallSeconds)),
      bytesPerSecond: median(list.map((run) => run.bytes / run.wallSeconds)),
      cpuSecondsPerGib: median(list.map((run) => (run.cpuSeconds / run.bytes) * GIB)),
      peakRssBytes: median(list.map((run) => run.peakRssBytes)),
      sourceRequests: median(list.map((run) => run.sourceRequests)),
      storeRequests: list.some((run) => run.storeRequests === null)
        ? null
        : median(list.map((run) => run.storeRequests ?? 0)),
    }))
    .sort((a, b) => Number(b.name === OURS) - Number(a.name === OURS) || b.bytesPerSecond - a.bytesPerSecond)
}

function resultSentence(peers: readonly Peer[]): string {
  const ours = peers.find(({ name }) => name === OURS)
  const others = peers.filter(({ name }) => name !== OURS)
  if (!ours) return 'Sluice has no result here.'
  const said = `Sluice moved ${formatRate(ours.bytesPerSecond)}`
  const best = others[0]
  if (!best) return `${said}.`
  const factor = ours.bytesPerSecond / best.bytesPerSecond
  if (Math.abs(factor - 1) < 0.05) return `${said}, as fast as ${best.name}, the fastest of the others.`
  return factor > 1
    ? `${said}, ${factor.toFixed(2)} times as fast as ${best.name}, the fastest of the others.`
    : `${said}; ${best.name} was ${(1 / factor).toFixed(2)} times as fast.`
}

function sectionOf(result: BenchScenario): TableSection {
  const { scenario, load, store, versions, skipped } = result
  const peers = peersOf(result)
  const most = Math.max(...peers.map((peer) => peer.bytesPerSecond), 1)
  const ours = peers.find(({ name }) => name === OURS)
  return {
    ...EMPTY_SECTION,
    title: scenario.name,
    sentences: [scenario.shows, resultSentence(peers)],
    bars: peers.map((peer) => ({
      label: peer.name,
      share: peer.bytesPerSecond / most,
      text: formatRate(peer.bytesPerSecond),
      isOurs: peer.name === OURS,
    })),
    columns: [
      { title: 'Who', isText: true },
      { title: 'Rounds' },
      { title: 'Took' },
      { title: 'Time × Sluice' },
      { title: 'CPU-s/GiB' },
      { title: 'CPU × Sluice' },
      { title: 'Peak memory' },
      { title: 'Requests to source' },
      { title: 'to store' },
    ],
    rows: peers.map((peer) => [
      peer.name,
      String(peer.rounds),
      peer.isShorter ? 'by rate' : `${peer.wallSeconds.toFixed(2)} s`,
      ours ? times(ours.bytesPerSecond / peer.bytesPerSecond) : '–',
      peer.cpuSecondsPerGib.toFixed(2),
      ours ? times(peer.cpuSecondsPerGib / ours.cpuSecondsPerGib) : '–',
      peer.peakRssBytes === 0 ? '–' : formatBytes(peer.peakRssBytes),
      peer.sourceRequests.toLocaleString('en-US'),
      peer.storeRequests === null ? '–' : peer.storeRequests.toLocaleString('en-US'),
    ]),
    notes: [
      `Into ${store}. Medians of the rounds. Load of the machine ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after.`,
      ...(scenario.idealSeconds === null
        ? []
        : [`Ideal, by the limits of the source: ${scenario.idealSeconds.toFixed(1)} s.`]),
      ...Object.entries(skipped).map(([peer, reason]) => `Without a result: ${peer}: ${reason}`),
      Object.entries(versions)
        .map(([peer, version]) => `${peer} ${version}`)
        .join(', '),
    ].filter(Boolean),
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2
}

const times = (factor: number) => (Number.isFinite(factor) ? factor.toFixed(factor < 10 ? 2 : 1) : '–')
