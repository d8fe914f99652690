import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { type ApiClient, createApiClient } from './api-client.ts'
import { processTree, stillRunning, type TreeProcess } from './process-tree.ts'
import { until } from './until.ts'

const ROOT = resolve(import.meta.dirname, '..', '..')
/** A build may come before the start, on a machine that does other things too. */
const READY_DEADLINE_MS = 240_000

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
}

/** The product as a person starts it, on ports and a data folder of its own. */
export interface RunningSluice {
  readonly url: string
  readonly engineUrl: string
  readonly storeUrl: string
  readonly dataDir: string
  readonly api: ApiClient
  /** From the command to the printed address. */
  readonly readySeconds: number
  /** Everything it wrote to the terminal so far. */
  output(): string
  processes(): TreeProcess[]
  /** kill -9 of the engine; resolves when another one that answers has taken its place. */
  killEngine(): Promise<void>
  /** Sends the signal to the command (and to nobody else), and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
  /** Stops it and removes the data folder if it was made for it. */
  close(): Promise<void>
}

export interface SluiceOptions {
  /** Kept after close. Unset: a temporary folder, removed at close. */
  dataDir?: string
  env?: Record<string, string>
  /** A program that runs the command, such as setpriv with its arguments. */
  command?: readonly string[]
}

/** Runs the start command to its end: for starts that must fail. `command` puts a program such as setpriv before it. */
export async function runStart(options: {
  env: Record<string, string>
  command?: readonly string[]
  args?: readonly string[]
}): Promise<Exit> {
  return ended(spawnStart(options.env, options.command, options.args))
}

/** Starts the product and waits for the address it prints. Fails with its words when it ends before. */
export async function startSluice(options: SluiceOptions = {}): Promise<RunningSluice> {
  const startedAt = performance.now()
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
  const [port, enginePort, storePort] = await Promise.all([findFreePort(), findFreePort(), findFreePort()])
  const child = spawnStart(
    {
      SLUICE_DATA_DIR: dataDir,
      PORT: String(port),
      ENGINE_PORT: String(enginePort),
      SLUICE_EMBEDDED_S3_PORT: String(storePort),
      ...options.env,
    },
    options.command,
  )
  const exit = ended(child)
  let hasEnded = false
  exit.then(() => {
    hasEnded = true
  })
  const url = await until(
    'the address of Sluice',
    async () => {
      if (hasEnded) throw new Error(`Sluice ended before it was ready:\n${(await exit).output}`)
      return /ready after [\d.]+ s:\s+(http\S+)/.exec(words(child))?.[1] ?? null
    },
    READY_DEADLINE_MS,
  )
  const readySeconds = (performance.now() - startedAt) / 1000
  const engineUrl = `http://127.0.0.1:${enginePort}`
  const processes = () => (child.pid === undefined ? [] : processTree(child.pid))
  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    if (!hasEnded) child.kill(signal)
    return exit
  }
  return {
    url,
    engineUrl,
    storeUrl: `http://127.0.0.1:${storePort}`,
    dataDir,
    api: createApiClient(url),
    readySeconds,
    output: () => words(child),
    processes,
    stop,
    async killEngine() {
      const engine = findEngine(processes())
      if (!engine) throw new Error('No engine runs.')
      process.kill(engine.pid, 'SIGKILL')
      await until('another engine', async () => {
        const next = findEngine(processes())
        return next !== undefined && next.pid !== engine.pid && (await answers(`${engineUrl}/readyz`))
      })
    },
    async close() {
      const before = processes()
      await stop()
      await until('the end of all its processes', () => stillRunning(before).length === 0)
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** The keys of the embedded store of a data folder. */
export function storeCredentials(dataDir: string): { accessKeyId: string; secretAccessKey: string } {
  const kept = JSON.parse(readFileSync(join(dataDir, 'object-store', 'credentials.json'), 'utf8'))
  // The file names its store, too, which must not take the place of the one a test puts before it.
  return { accessKeyId: kept.accessKeyId, secretAccessKey: kept.secretAccessKey }
}

const outputs = new WeakMap<ChildProcess, string[]>()
const words = (child: ChildProcess) => outputs.get(child)?.join('') ?? ''

function spawnStart(env: Record<string, string>, command: readonly string[] = [], args: readonly string[] = []) {
  const { DATABASE_URL, SLUICE_SECRET_KEY, npm_lifecycle_event, ...inherited } = process.env
  const bootstrap = join(ROOT, 'scripts', 'bootstrap.cjs')
  const [program = process.execPath, ...rest] = [...command, process.execPath, bootstrap, 'start', ...args]
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: { ...inherited, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pieces: string[] = []
  outputs.set(child, pieces)
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => pieces.push(text))
  return child
}

function ended(child: ChildProcess): Promise<Exit> {
  return new Promise((settle, fail) => {
    child.once('error', fail)
    child.once('close', (code, signal) => settle({ code, signal, output: words(child) }))
  })
}

function findEngine(tree: readonly TreeProcess[]): TreeProcess | undefined {
  return tree.find(({ command }) => command.includes('src/engine/main.ts'))
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
