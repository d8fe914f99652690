import { spawn } from 'node:child_process'
import { cpuSeconds } from './process-figures.ts'

/** A server of the bench in a process of its own, so that its CPU is nobody else's. */
export interface HelperProcess {
  readonly url: string
  readonly pid: number
  /** Asks it something over IPC. */
  ask<T>(question: string, about?: string): Promise<T>
  /** CPU it has used so far, all its threads. */
  cpuSeconds(): number
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 15_000

/** Starts `script` with `options` as JSON and waits until it has said where it listens. It ends with us. */
export async function startHelper(
  script: string,
  options: object,
  nodeOptions: readonly string[] = [],
): Promise<HelperProcess> {
  const child = spawn(process.execPath, [...nodeOptions, script, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const exited = new Promise<void>((settle) => child.once('exit', () => settle()))
  const waiting = new Map<number, (answer: unknown) => void>()
  let lastId = 0
  const url = await new Promise<string>((settle, fail) => {
    const timer = setTimeout(() => fail(new Error(`${script} did not start within 15 s.`)), START_TIMEOUT_MS)
    child.once('exit', (code) => {
      clearTimeout(timer)
      fail(new Error(`${script} ended with ${code} before it listened.`))
    })
    child.on('message', (message: { url?: string; id?: number; answer?: unknown }) => {
      if (message.url !== undefined) {
        clearTimeout(timer)
        settle(message.url)
      } else if (message.id !== undefined) {
        waiting.get(message.id)?.(message.answer)
        waiting.delete(message.id)
      }
    })
  })
  return {
    url,
    pid: child.pid ?? 0,
    ask<T>(question: string, about?: string) {
      return new Promise<T>((settle, fail) => {
        const id = ++lastId
        waiting.set(id, (answer) => settle(answer as T))
        child.send({ id, question, about }, (error) => error && fail(error))
      })
    },
    cpuSeconds: () => cpuSeconds(child.pid ?? 0) ?? 0,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The other side: says where we listen, answers questions, and ends when the parent goes. */
export function answerParent(url: string, answers: Record<string, (about: string) => unknown>): void {
  process.on('message', ({ id, question, about }: { id: number; question: string; about?: string }) => {
    process.send?.({ id, answer: answers[question]?.(about ?? '') ?? null })
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ url })
}

/** The options a helper was started with. */
export function readHelperOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}
