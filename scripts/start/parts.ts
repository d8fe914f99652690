import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '../../src/embedded/child.ts'
import { LogFile } from '../../src/embedded/log-file.ts'
import type { ReadyMessage } from '../../src/embedded/object-store-process.ts'
import { startPostgres } from '../../src/embedded/postgres.ts'
import type { RunningPart } from '../../src/embedded/supervisor.ts'
import { ENGINE_COMMAND } from '../../src/engine/engine-command.ts'
import { ConfigError, type Env } from '../../src/server/config/env.ts'
import { waitForHttp } from './wait-for-http.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
const READY_DEADLINE_MS = 60_000

/** A part that listens. */
export interface Listener extends RunningPart {
  host: string
  port: number
}

/**
 * How each part of Sluice is started, stopped and seen to be ready. Each has its log in `logs/` of the data folder;
 * errors a part logs go to `say` as sentences.
 */
export function createParts(env: Env, mode: 'production' | 'development', say: (sentence: string) => void) {
  const host = env.SLUICE_HOST.replace(/^\[|\]$/g, '')
  const logFiles = new Map<string, LogFile>()
  const logFile = (name: string) => {
    const existing = logFiles.get(name)
    if (existing) return existing
    const file = new LogFile(join(env.dataDir, 'logs', `${name}.log`))
    logFiles.set(name, file)
    return file
  }
  const childEnv: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: mode,
    SLUICE_DATA_DIR: env.dataDir,
    PORT: String(env.PORT),
    ENGINE_PORT: String(env.ENGINE_PORT),
    NEXT_TELEMETRY_DISABLED: '1',
  }
  const child = (name: string, args: readonly string[], stopDeadlineMs: number): Child =>
    startChild({
      args,
      cwd: ROOT,
      env: childEnv,
      logFile: logFile(name),
      onError: (sentence) => say(`${name}: ${sentence}`),
      stopDeadlineMs,
    })

  /** Waits for the one message of an embedded server's process. */
  async function listening(name: string, running: Child, stopping: AbortSignal): Promise<Listener> {
    const message = (await stoppable(running, stopping, running.message())) as ReadyMessage | null
    if (message && 'ready' in message) return { ...partOf(running), ...message.ready }
    const how = await running.exited
    throw new ConfigError(message?.failure ?? failed(name, running, how))
  }

  async function answering(
    name: string,
    running: Child,
    stopping: AbortSignal,
    question: { port: number; path: string; hostHeader?: string },
  ): Promise<RunningPart> {
    const answered = waitForHttp({ host, ...question }, running.exited, READY_DEADLINE_MS)
    if (await stoppable(running, stopping, answered)) return partOf(running)
    running.kill()
    throw new ConfigError(failed(name, running, await running.exited))
  }

  const failed = (name: string, running: Child, how: string) => {
    const words = running.lastWords()
    return `The ${name} did not start: ${words === '' ? `it ended with ${how}` : words}${/[.!?]$/.test(words) ? '' : '.'} Its log is ${logFile(name).path}.`
  }

  return {
    /** Keeps its port over a restart, because everybody was told it. */
    async postgres(port: number | undefined): Promise<RunningPart & { url: string; port: number }> {
      const file = logFile('postgres')
      const postgres = await startPostgres({ dataDir: env.dataDir, port, log: (line) => file.write(line) })
      const exited = postgres.exited.then((code) => (code === null ? 'a signal' : `exit code ${code}`))
      // It ends by itself when our end of its pipe closes, so there is nothing to kill.
      return { url: postgres.url, port: postgres.port, exited, stop: () => postgres.stop(), kill: () => {} }
    },

    objectStore(stopping: AbortSignal) {
      const running = child('object store', [script('src/embedded/object-store-process.ts')], 10_000)
      return listening('object store', running, stopping)
    },

    async sampleOrigin(stopping: AbortSignal): Promise<Listener> {
      const portFile = join(env.dataDir, 'sample-origin-port')
      const before = existsSync(portFile) ? readFileSync(portFile, 'utf8').trim() : '0'
      const running = child('sample origin', [script('src/embedded/sample-origin-process.ts'), before], 5_000)
      const listener = await listening('sample origin', running, stopping)
      writeFileSync(portFile, `${listener.port}\n`)
      return listener
    },

    /** Its deadline is long: it hands back what it works on, so that the next start goes on at once. */
    engine(stopping: AbortSignal) {
      const watch = mode === 'development' ? ['--watch'] : []
      const running = child('engine', [...watch, ...ENGINE_COMMAND], 27_000)
      return answering('engine', running, stopping, { port: env.ENGINE_PORT, path: '/readyz' })
    },

    /** Its deadline is short: it keeps nothing, and open pages would hold it. */
    web(stopping: AbortSignal) {
      const next = fileURLToPath(import.meta.resolve('next/dist/bin/next'))
      const running = child(
        'web',
        [next, mode === 'development' ? 'dev' : 'start', '-H', host, '-p', String(env.PORT)],
        3_000,
      )
      const hostHeader = new URL(env.SLUICE_PUBLIC_URL).host
      return answering('web', running, stopping, { port: env.PORT, path: '/api/health', hostHeader })
    },

    closeLogs() {
      for (const file of logFiles.values()) file.close()
    },
  }
}

function script(path: string): string {
  return join(ROOT, path)
}

/** While a process is still starting, stopping Sluice stops it at once; afterwards the supervisor does, in its order. */
async function stoppable<T>(running: Child, stopping: AbortSignal, work: Promise<T>): Promise<T> {
  const stop = () => void running.stop()
  stopping.addEventListener('abort', stop, { once: true })
  if (stopping.aborted) stop()
  return work.finally(() => stopping.removeEventListener('abort', stop))
}

function partOf(running: Child): RunningPart {
  return { exited: running.exited, stop: () => running.stop(), kill: () => running.kill() }
}
