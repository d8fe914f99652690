import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { LogFile } from './log-file.ts'

export interface ChildOptions {
  /** Arguments of Node: the script and its own. */
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  logFile: LogFile
  /** Told each error a process logs, as the sentence in it; the rest is in the log file. */
  onError: (sentence: string) => void
  stopDeadlineMs: number
}

/** A Node process of ours: in a process group of its own, ending when we end, its words in a log file. */
export interface Child {
  readonly pid: number
  /** How it ended, in words such as "exit code 1". */
  readonly exited: Promise<string>
  /** The next message it sends over its channel; null when it ended without one. */
  message(): Promise<unknown>
  /** The last telling lines it wrote, for a sentence about its failure. */
  lastWords(): string
  /** SIGTERM, a deadline, then SIGKILL for its whole group. */
  stop(): Promise<void>
  kill(): void
}

const PRELOAD = new URL('end-with-parent.ts', import.meta.url).href

/** Starts one. A program that cannot be started ends at once, with the reason in `exited`. */
export function startChild(options: ChildOptions): Child {
  const child = spawn(process.execPath, ['--import', PRELOAD, ...options.args], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const words: string[] = []
  const hear = (line: string) => {
    options.logFile.write(line)
    const said = sentenceOf(line)
    if (said.text !== '') words.push(said.text)
    if (words.length > 20) words.shift()
    if (said.isError) options.onError(said.text)
  }
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on('line', hear)

  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // Nobody is left in the group.
    }
  }
  const exited = new Promise<string>((settle) => {
    child.once('error', (error) => settle(error.message))
    child.once('exit', (code, signal) => {
      signalGroup('SIGKILL')
      // What it wrote last is still in the pipes.
      setImmediate(() => settle(signal ? `signal ${signal}` : `exit code ${code}`))
    })
  })
  return {
    pid: child.pid ?? 0,
    exited,
    message: () =>
      Promise.race([new Promise<unknown>((settle) => child.once('message', settle)), exited.then(() => null)]),
    lastWords: () => words.at(-1) ?? '',
    async stop() {
      child.kill('SIGTERM')
      const ended = exited.then(() => true)
      const inTime = await Promise.race([ended, delay(options.stopDeadlineMs, false, { ref: false })])
      if (!inTime) signalGroup('SIGKILL')
      await exited
    },
    kill: () => signalGroup('SIGKILL'),
  }
}

/** The sentence in a line: the message of a JSON log line, or a line that is no part of a stack trace. */
function sentenceOf(line: string): { text: string; isError: boolean } {
  if (line.startsWith('{')) {
    try {
      const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } }
      const message = typeof entry.msg === 'string' && entry.msg !== '' ? entry.msg : entry.err?.message
      if (typeof message === 'string') return { text: message, isError: Number(entry.level) >= 50 }
    } catch {
      // Not JSON after all.
    }
  }
  const isNoise = /^\s*(at |[{}[\]]|\^|node:|Node\.js v|$)/.test(line) || /^\s+/.test(line)
  return { text: isNoise ? '' : line.trim(), isError: false }
}
