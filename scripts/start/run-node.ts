import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ROOT } from '../runner/run-program.ts'

/** A Ctrl-C comes from the terminal and again from npm and bootstrap, which pass it on: those are one. */
const SAME_SIGNAL_MS = 500
const PRELOAD = new URL('../../src/embedded/end-with-parent.ts', import.meta.url).href

/**
 * Runs a script on this Node in the foreground and returns its exit code. It gets each signal once, and ends when we do.
 */
export function runNode(args: readonly string[], env: Partial<NodeJS.ProcessEnv> = {}): Promise<number> {
  const child = spawn(process.execPath, ['--import', PRELOAD, ...args], {
    cwd: ROOT,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
    // Of a group of its own, so that only what we pass on reaches it.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let passedAt = Number.NEGATIVE_INFINITY
  const pass = (signal: NodeJS.Signals) => {
    if (performance.now() - passedAt < SAME_SIGNAL_MS) return
    passedAt = performance.now()
    child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => pass(signal))
  if (process.connected) process.on('disconnect', () => pass('SIGTERM'))
  return new Promise((settle, fail) => {
    child.once('error', fail)
    child.once('exit', (code, signal) => {
      if (process.connected) process.disconnect()
      settle(code ?? 128 + (signal ? constants.signals[signal] : 0))
    })
  })
}
