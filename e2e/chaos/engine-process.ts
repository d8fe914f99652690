import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ENGINE_COMMAND } from '../../src/engine/engine-command.ts'
import { startTcpProxy, type TcpProxy } from '../stack/tcp-proxy.ts'
import { until } from '../stack/until.ts'
import type { MeasuredProcess } from './invariants.ts'
import { measureProcess, rssOf, socketsOf } from './measured-process.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')

/** A start is a second of work, of which a busy machine can make a minute. */
const START_MS = 180_000

/** Nothing of the settings of whoever runs the tests; compiled code is kept, because many engines are started. */
export function bareEnv(): NodeJS.ProcessEnv {
  const { PATH, HOME, NODE_ENV } = process.env
  return { PATH, HOME, NODE_ENV, NODE_COMPILE_CACHE: join(tmpdir(), 'sluice-compile-cache') }
}

/** An engine as `npm run engine` runs it: a process of its own, that can be killed, frozen and cut off. */
export interface EngineProcess {
  /** As the database knows it. */
  readonly id: string
  readonly pid: number
  readonly url: string
  /** Its own way to Postgres. */
  readonly postgres: TcpProxy
  /** What its sessions are called there. */
  readonly sessionName: string
  readonly isRunning: boolean
  /** What it wrote so far, one JSON object a line. */
  logs(): string
  rssBytes(): number
  /** Sockets it holds open. */
  sockets(): number
  /** Its memory and sockets against those it had before any work. */
  readonly measured: MeasuredProcess
  /** kill -9. Resolves when it is gone. */
  kill(): Promise<void>
  /** SIGSTOP: it stands still, its sockets stay open. */
  freeze(): void
  thaw(): void
  /** SIGTERM, and how it ended after how long. */
  stop(): Promise<{ readonly code: number | null; readonly seconds: number }>
}

export interface EngineProcessOptions {
  readonly databaseUrl: string
  readonly env: Readonly<Record<string, string>>
  /** A program that runs it, such as `ip netns exec NAME`. */
  readonly command?: readonly string[]
  /** Where its way to Postgres listens; another one than loopback for an engine that is elsewhere. */
  readonly proxyHost?: string
}

/** Starts an engine and waits until it works. Fails with its own words where it ends before. */
export async function startEngineProcess(options: EngineProcessOptions): Promise<EngineProcess> {
  const { databaseUrl, env, command = [], proxyHost = '127.0.0.1' } = options
  const database = new URL(databaseUrl)
  const postgres = await startTcpProxy({ host: database.hostname, port: Number(database.port || 5432) }, proxyHost)
  database.host = `${proxyHost}:${postgres.port}`
  const sessionName = `engine ${randomUUID()}`
  database.searchParams.set('application_name', sessionName)
  const [program = process.execPath, ...args] = [...command, process.execPath, ...ENGINE_COMMAND]
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...bareEnv(), DATABASE_URL: database.href, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const pieces: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => pieces.push(text))
  const logs = () => pieces.join('')
  const exit = new Promise<number | null>((settle, fail) => {
    child.once('error', fail)
    child.once('close', (code) => settle(code))
  })
  let isRunning = true
  exit.then(
    () => {
      isRunning = false
    },
    () => {},
  )
  const started = await until(
    'an engine to start',
    () => {
      if (!isRunning) throw new Error(`The engine ended before it worked:\n${logs()}`)
      return /"engineId":"([^"]+)","url":"([^"]+)"/.exec(logs())
    },
    START_MS,
  )
  const pid = started && child.pid !== undefined ? child.pid : 0
  const signal = (name: NodeJS.Signals) => {
    if (isRunning) child.kill(name)
  }
  return {
    id: started[1] ?? '',
    url: started[2] ?? '',
    pid,
    postgres,
    sessionName,
    get isRunning() {
      return isRunning
    },
    logs,
    rssBytes: () => rssOf(pid),
    sockets: () => socketsOf(pid),
    measured: measureProcess(`the engine ${started[1]}`, pid),
    async kill() {
      signal('SIGKILL')
      await exit
      // A proxy that holds bytes back would keep the dead engine's sessions alive.
      await endProxy(postgres, child)
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async stop() {
      const startedMs = performance.now()
      signal('SIGTERM')
      const code = await exit
      const seconds = (performance.now() - startedMs) / 1000
      await endProxy(postgres, child)
      return { code, seconds }
    },
  }
}

async function endProxy(postgres: TcpProxy, child: ChildProcess): Promise<void> {
  if (child.connected) child.disconnect()
  await postgres.close()
}
