import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startHelper } from '../../bench/harness/helper-process.ts'
import { peakRssBytes, rssBytes } from '../../bench/harness/process-figures.ts'
import { crowdFiles, type Phase, runPhase } from '../../bench/readers/crowd.ts'
import { OneReader } from '../../bench/readers/one-reader.ts'
import { readersFile } from '../../bench/readers/report-file.ts'
import { type PhaseResult, reportPage, targetsOf } from '../../bench/readers/report-page.ts'
import { endlessPath } from '../../bench/sources/endless-file.ts'
import { startSource } from '../../bench/sources/start-source.ts'
import { seededRandom } from '../../src/engine/testing/seeded-random.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { ROOT } from '../runner/run-program.ts'
import type { StressRun } from './stress-run.ts'

const FILES = 24
const CACHE_BYTES = 512 * MIB
const FIRST_BYTE_MS = 20
const SMALL_BYTES = 4 * MIB
/** Of the whole time: baseline, then the crowd, then what is left for endurance. */
const SHARES = [0.15, 0.15] as const

/**
 * `npm run stress -- readers`: 100 readers of files half of which are cached, then 1,000 of which a fifth read ranges, then 200 for the
 * rest of the time (an hour, or `--minutes`), and one reader of cached ranges beside them, with an event loop of its own. Each takes its bytes at a pace of its own, and most go away before the end. Writes a page with the figures and what was to be reached. Fails on errors above 0.1 %.
 */
export const runReaders: StressRun = async ({ wanted, dataDir, signal, say }) => {
  const seed = wanted.seed ?? Math.floor(Math.random() * 2 ** 31)
  const seconds = (wanted.minutes ?? 60) * 60
  const random = seededRandom(seed)
  say(`Readers for ${seconds / 60} minutes, seed ${seed}.`)
  const source = await startSource({ kind: 'metered', firstByteMs: FIRST_BYTE_MS }, undefined)
  const script = join(ROOT, 'bench', 'range', 'sluice-process.ts')
  const sluice = await startHelper(script, { originUrl: source.url, cacheBytes: CACHE_BYTES })
  const idleMib = rssBytes(sluice.pid) / MIB
  const files = crowdFiles(FILES, random)
  const phases: PhaseResult[] = []
  const [baseline, crowd] = SHARES.map((share) => Math.max(5, Math.round(seconds * share))) as [number, number]
  const plan: Phase[] = [
    { name: 'baseline', readers: 100, seconds: baseline, rangeShare: 0, bytesPerSecond: 2 * MIB },
    { name: 'crowd', readers: 1000, seconds: crowd, rangeShare: 0.2, bytesPerSecond: MIB / 4 },
    {
      name: 'endurance',
      readers: 200,
      seconds: Math.max(5, seconds - baseline - crowd),
      rangeShare: 0.2,
      bytesPerSecond: MIB,
    },
  ]
  const small = endlessPath(1, FILES, SMALL_BYTES)
  let beside: OneReader | null = null
  try {
    // Half of them are there before.
    for (const { path } of files.filter((_, index) => index % 2 === 0))
      await (await fetch(sluice.url + path)).arrayBuffer()
    await (await fetch(sluice.url + small)).arrayBuffer()
    beside = new OneReader(sluice.url + small, SMALL_BYTES)
    for (const phase of plan) {
      if (signal.aborted) break
      const figures = await runPhase(sluice.url, files, phase, {
        random,
        signal,
        rssMib: () => rssBytes(sluice.pid) / MIB,
      })
      const one = await beside.take()
      phases.push({ ...figures, beside: one })
      const { requests, errors, hits, cachedMs, originMs, lateMs, peakRssMib, reasons } = figures
      say(
        `${phase.name}: ${requests} requests, ${errors} errors, ${hits} hits, p95 ${cachedMs.p95.toFixed(0)} ms cached, ${originMs.p95.toFixed(0)} ms origin, ${peakRssMib.toFixed(0)} MiB`,
      )
      say(
        `  one reader beside them: p95 ${one.firstByteMs.p95.toFixed(1)} ms of ${one.requests} cached 64 KiB ranges, ${one.errors} errors; the crowd's own event loop was late by ${lateMs.p95.toFixed(0)} ms (p95)`,
      )
      for (const reason of reasons) say(`  ${reason}`)
      const { origins } = await sluice.ask<{ origins: { p95Ms: number | null }[] }>('figures')
      say(`  from request to head, by the server itself: p95 ${origins[0]?.p95Ms ?? 0} ms of the latest 1,024`)
    }
    const { cachedBytes } = await sluice.ask<{ cachedBytes: number }>('figures')
    const peakMib = peakRssBytes(sluice.pid) / MIB
    const addedMib = peakMib - idleMib - cachedBytes / MIB
    say(
      `${peakMib.toFixed(0)} MiB at most, ${idleMib.toFixed(0)} idle, ${(cachedBytes / MIB).toFixed(0)} of slices in memory`,
    )
    const targets = targetsOf(phases, addedMib)
    for (const { what, wanted, seen, isMet } of targets)
      say(`${isMet ? 'met' : 'not met'}: ${what} ${seen} (${wanted})`)
    const path = join(dataDir, 'stress', 'readers.html')
    mkdirSync(join(dataDir, 'stress'), { recursive: true })
    writeFileSync(path, reportPage(phases, targets, seed))
    const file = join(dataDir, 'stress', 'readers.json')
    writeFileSync(file, `${JSON.stringify(readersFile(phases, targets, seed), null, 2)}\n`)
    say(`Written to ${path}, and to ${file}, which opens under Reports`)
    return targets.some(({ what, isMet }) => what === 'errors' && !isMet) ? 1 : 0
  } finally {
    await beside?.stop()
    await sluice.stop()
    await source.stop()
  }
}
