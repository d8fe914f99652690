import { spawn } from 'node:child_process'
import type { BenchEngine } from '../../src/server/domain/bench-report.ts'
import { descendants, peakRssBytes } from './process-figures.ts'

/** What one run cost its client. */
export interface Figures {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  /** The most that its processes together had resident. */
  readonly peakRssBytes: number
  /** Of a service: what it had before the work began. */
  readonly idleRssBytes?: number
  /** Of Sluice: what was seen inside its engine. */
  readonly engine?: BenchEngine
}

const SAMPLE_MS = 100
/** The shell's own account of its finished children: user and system time, the second line of `times` (POSIX). */
const WRAPPER = '{ eval "$1"; }; code=$?; times >&3; exit $code'

/**
 * Runs a script in a shell of its own and measures the programs it starts, to the millisecond of CPU. Fails with the end of what they
 * wrote where the script fails; after `limitMs` they are killed, and only they.
 */
export async function measureScript(
  script: string,
  options: { env: Record<string, string>; limitMs: number; signal?: AbortSignal },
): Promise<Figures> {
  const startedAt = performance.now()
  // bash, because a failed program at the head of a pipe has to fail the whole.
  const child = spawn('bash', ['-o', 'pipefail', '-c', WRAPPER, 'bench', script], {
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Nobody is left in it.
    }
  }
  const output: string[] = []
  let times = ''
  const [, stdout, stderr, report] = child.stdio
  for (const stream of [stdout, stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  report?.on('data', (chunk: Buffer) => {
    times += chunk.toString()
  })
  let peak = 0
  const sampler = setInterval(() => {
    const { pid } = child
    if (pid !== undefined)
      peak = Math.max(
        peak,
        descendants(pid).reduce((sum, each) => sum + peakRssBytes(each), 0),
      )
  }, SAMPLE_MS)
  let timedOut = false
  const limit = setTimeout(() => {
    timedOut = true
    killGroup()
  }, options.limitMs)
  process.once('exit', killGroup)
  options.signal?.addEventListener('abort', killGroup)
  try {
    const { code, wallSeconds } = await new Promise<{ code: number | null; wallSeconds: number }>((settle, fail) => {
      child.once('error', fail)
      let wallSeconds = 0
      child.once('exit', () => {
        wallSeconds = (performance.now() - startedAt) / 1000
      })
      child.once('close', (code) => settle({ code, wallSeconds }))
    })
    if (timedOut) throw new Error(`was not through after ${Math.round(options.limitMs / 1000)} s`)
    if (code !== 0) throw new Error(`ended with ${code}: ${lastWords(output.join(''))}`)
    return { wallSeconds, cpuSeconds: parseTimes(times), peakRssBytes: peak }
  } finally {
    clearInterval(sampler)
    clearTimeout(limit)
    process.off('exit', killGroup)
    options.signal?.removeEventListener('abort', killGroup)
    killGroup()
  }
}

/** CPU seconds of the children out of what `times` prints: `0m1.234s 0m0.567s`, the shell's own line first. */
export function parseTimes(text: string): number {
  const [, children = ''] = text.trim().split('\n')
  let seconds = 0
  for (const [, minutes, rest] of children.matchAll(/(\d+)m([\d.]+)s/g)) seconds += Number(minutes) * 60 + Number(rest)
  return seconds
}

/** A word for a shell, whatever is in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Commands that run side by side; fails if any of them does. */
export function atOnce(commands: readonly string[]): string {
  if (commands.length === 1) return commands[0] ?? ''
  const started = commands.map((command) => `{ ${command}; } & pids="$pids $!"`)
  return `pids=; ${started.join('\n')}\nfailed=0; for pid in $pids; do wait $pid || failed=1; done; test $failed = 0`
}

function lastWords(output: string): string {
  const lines = output.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  return (lines.at(-1) ?? 'it said nothing').slice(0, 200)
}
