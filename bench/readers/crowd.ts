import { Agent, request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { endlessPath } from '../sources/endless-file.ts'

const MB = 1_000_000
/** Who reads a whole file goes away after so much at most, as players do; a server must not mind. */
const MOST_READ_BYTES = 8 * 1024 * 1024

/** Who reads what in one phase of the load plan (product.md B12). */
export interface Phase {
  readonly name: string
  readonly readers: number
  readonly seconds: number
  /** This share asks for a range of 1 MiB at most, the others for the whole. */
  readonly rangeShare: number
  /** As fast as each of them takes its bytes: they are players and loaders, and one machine is all there is. */
  readonly bytesPerSecond: number
}

/** What one phase came to. */
export interface PhaseFigures {
  readonly name: string
  readonly readers: number
  readonly seconds: number
  readonly requests: number
  readonly errors: number
  /** The first few reasons. */
  readonly reasons: readonly string[]
  readonly bytes: number
  readonly hits: number
  /** Milliseconds to the first byte, of answers from the cache and of those that waited for the origin. */
  readonly cachedMs: Percentiles
  readonly originMs: Percentiles
  /** How late the event loop was in which all readers are simulated: that much of their waiting is no doing of the server. */
  readonly lateMs: Percentiles
  readonly peakRssMib: number
}

export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface CrowdFile {
  readonly path: string
  readonly sizeBytes: number
}

/** Files of 1 to 100 MB, small ones more often, the same for the same random numbers. */
export function crowdFiles(count: number, random: () => number): CrowdFile[] {
  return Array.from({ length: count }, (_, index) => {
    const sizeBytes = Math.round(MB * 100 ** random())
    return { path: endlessPath(1, index, sizeBytes), sizeBytes }
  })
}

/** Reads in a closed loop with so many readers until the time is over, the first files more often than the later ones (Zipf). */
export async function runPhase(
  baseUrl: string,
  files: readonly CrowdFile[],
  phase: Phase,
  options: { readonly random: () => number; readonly rssMib: () => number; readonly signal: AbortSignal },
): Promise<PhaseFigures> {
  const { random, signal } = options
  const agent = new Agent({ keepAlive: true, maxSockets: phase.readers })
  const weights = files.map((_, rank) => 1 / (rank + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const cachedMs: number[] = []
  const originMs: number[] = []
  const reasons = new Set<string>()
  let [requests, errors, bytes, hits, peakRssMib] = [0, 0, 0, 0, 0]
  const endMs = performance.now() + phase.seconds * 1000
  const lateness = monitorEventLoopDelay({ resolution: 10 })
  lateness.enable()
  const watch = setInterval(() => {
    peakRssMib = Math.max(peakRssMib, options.rssMib())
  }, 250)

  const choose = (): CrowdFile => {
    let at = random() * total
    for (const [rank, file] of files.entries()) {
      at -= weights[rank] ?? 0
      if (at <= 0) return file
    }
    return files[0] as CrowdFile
  }
  const failed = (reason: string) => {
    errors++
    if (reasons.size < 5) reasons.add(reason)
  }
  const readOne = () =>
    new Promise<void>((resolve) => {
      const file = choose()
      const isRange = random() < phase.rangeShare
      const first = isRange ? Math.floor(random() * file.sizeBytes) : 0
      const last = Math.min(file.sizeBytes, first + 1024 * 1024) - 1
      const dueBytes = isRange ? last - first + 1 : file.sizeBytes
      const startedMs = performance.now()
      const wantedBytes = isRange ? dueBytes : Math.min(dueBytes, Math.ceil(random() * MOST_READ_BYTES))
      const headers = isRange ? { range: `bytes=${first}-${last}` } : {}
      const asked = request(baseUrl + file.path, { agent, headers }, (response) => {
        const isHit = response.headers['cache-status'] === 'sluice; hit'
        let came = 0
        let isLeaving = false
        const count = () => {
          requests++
          if (isHit) hits++
        }
        response.once('data', () => (isHit ? cachedMs : originMs).push(performance.now() - startedMs))
        response.on('data', (chunk: Buffer) => {
          came += chunk.byteLength
          bytes += chunk.byteLength
          const nowMs = performance.now()
          // What is over is over: a long file is not read to its end for its own sake.
          if (nowMs > endMs || (came >= wantedBytes && came < dueBytes)) {
            isLeaving = true
            if (came >= wantedBytes) count()
            asked.destroy()
            return
          }
          const aheadMs = (came / phase.bytesPerSecond) * 1000 - (nowMs - startedMs)
          if (aheadMs < 10) return
          response.pause()
          setTimeout(() => response.resume(), aheadMs)
        })
        response.on('error', (error) => {
          if (!isLeaving && performance.now() <= endMs) failed(error.message)
          resolve()
        })
        response.on('close', resolve)
        response.on('end', () => {
          if (isLeaving) return
          count()
          if ((response.statusCode ?? 0) >= 300) failed(`status ${response.statusCode}`)
          else if (came !== dueBytes) failed(`${came} bytes of ${dueBytes}`)
          resolve()
        })
      })
      asked.on('error', (error) => {
        if (performance.now() <= endMs) failed(error.message)
        resolve()
      })
      asked.end()
    })
  const reader = async () => {
    while (performance.now() < endMs && !signal.aborted) await readOne()
  }
  await Promise.all(Array.from({ length: phase.readers }, reader))
  clearInterval(watch)
  lateness.disable()
  agent.destroy()
  // The histogram counts from one timer to the next, so its own pause is in it.
  const late = (percent: number) => Math.max(0, lateness.percentile(percent) / 1e6 - 10)
  return {
    name: phase.name,
    readers: phase.readers,
    seconds: phase.seconds,
    requests,
    errors,
    reasons: [...reasons],
    bytes,
    hits,
    cachedMs: percentiles(cachedMs),
    originMs: percentiles(originMs),
    lateMs: { p50: late(50), p95: late(95), p99: late(99) },
    peakRssMib,
  }
}

/** Percentiles of values in any order; 0 of none. */
export function percentiles(values: number[]): Percentiles {
  values.sort((a, b) => a - b)
  const at = (share: number) => values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
