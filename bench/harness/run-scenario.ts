import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Peer, Work } from '../peers/peer.ts'
import type { Run, ScenarioResult } from '../reports/result.ts'
import type { Scenario } from '../scenario.ts'
import { startStore } from '../sinks/start-store.ts'
import type { RunningStore } from '../sinks/store.ts'
import { endlessCrc32c, endlessPath } from '../sources/endless-file.ts'
import type { RunningSource } from '../sources/source.ts'
import { startSource } from '../sources/start-source.ts'
import { makeCertificate } from './certificate.ts'

/** A scenario begins nothing after this. */
const SCENARIO_MS = 450_000
/** One run that hangs must not take the time of all others. */
const RUN_MS = 200_000
/** A peer that has shown how long it takes begins only where that fits, with some room. */
const ROOM = 1.3
const READERS = 8

export interface RunOptions {
  readonly rounds: number
  readonly peers: readonly Peer[]
  readonly say: (line: string) => void
  /** Ends the run under way and everything that was started. */
  readonly signal: AbortSignal
}

/**
 * All peers in turn, round by round, each round beginning with the next one, so that nobody always comes first. Every run is looked
 * at byte by byte before it counts. A peer that cannot do the work is skipped by name, one that failed is not asked again. Ends in time.
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { peers, rounds, say, signal } = options
  const deadline = performance.now() + (scenario.limitMs ?? SCENARIO_MS)
  const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const tls = scenario.tls ? makeCertificate(home) : undefined
  const stops: (() => Promise<void>)[] = []
  const runs: Run[] = []
  const skipped = new Map<string, string>()
  const loadBefore = loadavg()[0] ?? 0
  const startedAt = new Date().toISOString()
  try {
    const store = await startStore(scenario.store, scenario.files.count * scenario.files.sizeBytes, tls)
    if ('unavailable' in store) throw new Error(store.unavailable)
    stops.push(store.stop)
    const source = await startSource(scenario.source, tls)
    stops.push(source.stop)
    for (let round = 0; round < rounds; round++)
      for (let turn = 0; turn < peers.length; turn++) {
        const peer = peers[(turn + round) % peers.length]
        if (!peer || skipped.has(peer.name)) continue
        signal.throwIfAborted()
        const leftMs = deadline - performance.now()
        const longest = Math.max(0, ...runs.filter((run) => run.peer === peer.name).map((run) => run.wallSeconds))
        if (leftMs < Math.max(5_000, longest * 1000 * ROOM)) continue
        const limitMs = scenario.isHuge ? leftMs : Math.min(leftMs, RUN_MS)
        const work = await prepare(scenario, peer, round, { source, store, home, tls, limitMs, signal })
        const reason = peer.unavailable(work)
        const run = reason === null ? await runOnce(peer, round, work, source, store) : { failed: reason }
        signal.throwIfAborted()
        if ('failed' in run) skipped.set(peer.name, run.failed)
        else runs.push(run)
        say(lineOf(peer.name, round, run))
      }
    const done = new Set(runs.map(({ peer }) => peer))
    for (const { name } of peers)
      if (!done.has(name) && !skipped.has(name)) skipped.set(name, 'The time of the scenario was over before its turn.')
    const { name, shows, files, shorter = {}, idealSeconds = null } = scenario
    return {
      scenario: { name, shows, files, shorter, idealSeconds },
      store: store.title,
      startedAt,
      load: { before: loadBefore, after: loadavg()[0] ?? 0 },
      versions: Object.fromEntries(
        peers.filter(({ name }) => done.has(name)).map((peer) => [peer.name, peer.version()]),
      ),
      runs,
      skipped: Object.fromEntries(skipped),
    }
  } finally {
    for (const stop of stops.reverse()) await stop()
    rmSync(home, { recursive: true, force: true })
  }
}

interface Stage {
  readonly source: RunningSource
  readonly store: RunningStore
  readonly home: string
  readonly tls: Work['tls']
  readonly limitMs: number
  readonly signal: AbortSignal
}

async function prepare(scenario: Scenario, peer: Peer, round: number, stage: Stage): Promise<Work> {
  const { count } = scenario.files
  const sizeBytes = scenario.shorter?.[peer.name] ?? scenario.files.sizeBytes
  await stage.source.prepare(count, sizeBytes)
  await stage.store.clear(count * sizeBytes)
  const keyPrefix = `${peer.name}-${round}-${process.pid}-${Date.now()}`
  const scratchFolder = join(stage.home, 'scratch')
  rmSync(scratchFolder, { recursive: true, force: true })
  mkdirSync(scratchFolder)
  const files = Array.from({ length: count }, (_, index) => ({
    url: stage.source.url + endlessPath(count, index, sizeBytes),
    key: `${keyPrefix}/${index}.bin`,
    sizeBytes,
  }))
  const listingUrl = scenario.source.kind === 'nginx' ? new URL('.', files[0]?.url).href : null
  const { tls, limitMs, signal } = stage
  return { files, listingUrl, keyPrefix, store: stage.store.connection, tls, scratchFolder, limitMs, signal }
}

async function runOnce(peer: Peer, round: number, work: Work, source: RunningSource, store: RunningStore) {
  try {
    await peer.prepare?.(work)
    const sourceBefore = await source.counts()
    const storeBefore = await store.counts()
    const figures = await peer.run(work)
    const sourceAfter = await source.counts()
    const storeAfter = await store.counts()
    await mustHaveArrived(work, store)
    const run: Run = {
      peer: peer.name,
      round,
      bytes: work.files.reduce((sum, file) => sum + file.sizeBytes, 0),
      ...figures,
      sourceRequests: sourceAfter.requests - sourceBefore.requests,
      refusedRequests: sourceAfter.refused - sourceBefore.refused,
      storeRequests: grown(storeBefore.requests, storeAfter.requests),
      sourceCpuSeconds: grown(sourceBefore.cpuSeconds, sourceAfter.cpuSeconds),
      storeCpuSeconds: grown(storeBefore.cpuSeconds, storeAfter.cpuSeconds),
    }
    return run
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

/** What a counter grew by; null where there is no such counter. */
function grown(before: number | null | undefined, after: number | null | undefined): number | null {
  return typeof before === 'number' && typeof after === 'number' ? after - before : null
}

/** Size and CRC32C of every object, computed from the bytes the store took (or gives back), against those of the source. */
async function mustHaveArrived(work: Work, store: RunningStore): Promise<void> {
  const open = work.files.map((file, index) => ({ ...file, index }))
  const check = async () => {
    for (let file = open.shift(); file; file = open.shift()) {
      const object = await store.object(file.key)
      if (!object) throw new Error(`left no object at ${file.key}`)
      if (object.sizeBytes !== file.sizeBytes) throw new Error(`wrote ${object.sizeBytes} bytes of ${file.sizeBytes}`)
      if (object.crc32c !== endlessCrc32c(file.index, file.sizeBytes))
        throw new Error('wrote other bytes than the source has')
    }
  }
  await Promise.all(Array.from({ length: READERS }, check))
}

function lineOf(name: string, round: number, run: Run | { failed: string }): string {
  const head = `  round ${round + 1}  ${name.padEnd(18)}`
  if ('failed' in run) return `${head} left out: ${run.failed}`
  const rate = run.bytes / 1024 ** 2 / run.wallSeconds
  return `${head} ${run.wallSeconds.toFixed(2)} s, ${rate.toFixed(0)} MiB/s, ${(run.cpuSeconds / (run.bytes / 1024 ** 3)).toFixed(2)} CPU-s/GiB, bytes verified`
}
