import { execFile } from 'node:child_process'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '../../scripts/runner/install-programs.ts'

/** What a load came to. */
export interface LoadFigures {
  readonly requests: number
  readonly bytes: number
  readonly seconds: number
  readonly errors: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

const run = promisify(execFile)

/** Random aligned ranges of one file, for some seconds, over so many connections, by wrk. */
export async function loadRanges(
  url: string,
  load: {
    readonly fileBytes: number
    readonly rangeBytes: number
    readonly connections: number
    readonly seconds: number
  },
): Promise<LoadFigures> {
  const wrk = findProgram(['wrk'])
  if (!wrk) throw new Error('The load needs wrk, which is not installed (Debian: wrk).')
  const { stdout } = await run(
    wrk,
    [
      ...['-t', '1', '-c', String(load.connections), '-d', `${load.seconds}s`, '--timeout', '30s'],
      ...['-s', join(import.meta.dirname, 'ranges.lua'), url],
    ],
    { env: { ...process.env, FILE_BYTES: String(load.fileBytes), RANGE_BYTES: String(load.rangeBytes) } },
  )
  const { microseconds, ...figures } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
  return { ...figures, seconds: microseconds / 1e6 }
}

/** Reads each of these ranges once, all at the same time; latencies are those of the first bytes. Null reads the whole. */
export async function readAtOnce(url: string, ranges: readonly (string | null)[]): Promise<LoadFigures> {
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })
  const startedMs = performance.now()
  const firstByteMs: number[] = []
  let bytes = 0
  let errors = 0
  const one = (range: string | null) =>
    new Promise<void>((resolve) => {
      const fail = () => {
        errors++
        resolve()
      }
      const asked = request(url, { agent, headers: range === null ? {} : { range } }, (response) => {
        if ((response.statusCode ?? 500) >= 300) errors++
        response.once('data', () => firstByteMs.push(performance.now() - startedMs))
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.byteLength
        })
        response.on('end', () => resolve())
        response.on('error', fail)
      })
      asked.on('error', fail)
      asked.end()
    })
  await Promise.all(ranges.map(one))
  agent.destroy()
  firstByteMs.sort((a, b) => a - b)
  const at = (share: number) =>
    firstByteMs[Math.min(firstByteMs.length - 1, Math.floor(share * firstByteMs.length))] ?? 0
  const seconds = (performance.now() - startedMs) / 1000
  return { requests: ranges.length, bytes, seconds, errors, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
}
