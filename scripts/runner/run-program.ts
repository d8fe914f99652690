import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '..', '..')

export interface ProgramResult {
  /** 0 is success; null when it was killed, for example because its time was up. */
  code: number | null
  output: string
  seconds: number
  timedOut: boolean
}

/**
 * Runs a program to its end with nothing on its standard input and keeps what it wrote (both streams, in order). It has a
 * process group of its own, which is killed when `limitMs` is over or we are stopped: a hung runner takes nobody with it.
 */
export function runProgram(
  command: string,
  args: readonly string[],
  options: { limitMs: number; env?: NodeJS.ProcessEnv; onLine?: (line: string) => void },
): Promise<ProgramResult> {
  return new Promise((settle) => {
    const startedAt = performance.now()
    const pieces: string[] = []
    const child = spawn(command, args, {
      cwd: ROOT,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // Nobody is left in it.
      }
    }
    let timedOut = false
    const limit = setTimeout(() => {
      timedOut = true
      killGroup()
    }, options.limitMs)
    process.once('exit', killGroup)
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        pieces.push(text)
        if (options.onLine) for (const line of text.split('\n')) if (line.trim() !== '') options.onLine(line)
      })
    const end = (code: number | null, last = '') => {
      clearTimeout(limit)
      killGroup()
      process.off('exit', killGroup)
      settle({ code, output: pieces.join('') + last, seconds: (performance.now() - startedAt) / 1000, timedOut })
    }
    child.once('error', (error) => end(null, `${command} could not be started: ${error.message}\n`))
    child.once('exit', (code) => {
      // Its last words are still in the pipes; grandchildren that hold them open are not waited for.
      setTimeout(() => end(code), 50)
    })
  })
}
