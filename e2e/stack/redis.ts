import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { until } from './until.ts'

const NAMES = ['redis-server', 'valkey-server']

/** Why no Redis can be used here, or null. */
export const redisMissing = findProgram(NAMES) ? null : 'neither redis-server nor valkey-server is installed'

export const REDIS_PASSWORD = 'canary-of-redis'

/** A Redis of the test's own, with a password, on a port of 127.0.0.1; nothing of it is kept. */
export interface RunningRedis {
  readonly url: string
  readonly port: number
  /** Stands still and answers nobody, until `goOn`. */
  freeze(): void
  goOn(): void
  /** Killed; `start` brings an empty one back on the same port. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export async function startRedis(): Promise<RunningRedis> {
  const program = findProgram(NAMES)
  if (!program) throw new Error('There is no redis-server here.')
  const home = mkdtempSync(join(tmpdir(), 'sluice-redis-'))
  const port = await findFreePort()
  let child: ChildProcess
  const start = async () => {
    const settings = { port, bind: '127.0.0.1', dir: home, save: '', appendonly: 'no', requirepass: REDIS_PASSWORD }
    child = spawn(
      program,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      {
        stdio: 'ignore',
      },
    )
    await until('redis-server to listen', () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode} on port ${port}.`)
      return listens(port)
    })
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  return {
    url: `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}`,
    port,
    freeze: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    kill,
    start,
    async close() {
      await kill()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
