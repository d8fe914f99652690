import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../server/config/env.ts'

/** One running part: a process that can be stopped and says when it ended by itself. */
export interface RunningPart {
  /** How it ended, in words such as "exit code 1". */
  readonly exited: Promise<string>
  stop(): Promise<void>
  /** At once, without a word. */
  kill(): void
}

export interface PartOptions<Running extends RunningPart> {
  /** As in "The engine ended", with its article. */
  name: string
  /**
   * Starts it and waits until it is ready; called again after it ended by itself. Cleans up after its own failure, and
   * gives up soon when `stopping` aborts.
   */
  launch(stopping: AbortSignal): Promise<Running>
}

/** Doubled at each end, up to half a minute; a part that held for a minute starts anew at the first. */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
const HELD_MS = 60_000

/**
 * Keeps parts running: one that ends by itself is started again with backoff and a sentence. `stop` ends them in the
 * reverse order of their start (who was added last leans on those before) and waits for each.
 */
export class Supervisor {
  readonly #say: (sentence: string) => void
  readonly #parts: { name: string; running: RunningPart | null; watching: Promise<void> }[] = []
  readonly #launching = new Set<Promise<unknown>>()
  readonly #stopping = new AbortController()

  constructor(say: (sentence: string) => void) {
    this.#say = say
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** Starts a part for the first time. What it throws is thrown on: a part that never ran is not tried again. */
  async start<Running extends RunningPart>(options: PartOptions<Running>): Promise<Running> {
    if (this.isStopping) throw new ConfigError('Sluice is stopping.')
    const launching = options.launch(this.#stopping.signal).then((running) => {
      const part = { name: options.name, running: running as RunningPart | null, watching: Promise.resolve() }
      this.#parts.push(part)
      part.watching = this.#watch(part, options)
      return running
    })
    this.#launching.add(launching)
    return launching.finally(() => this.#launching.delete(launching))
  }

  /** Ends all parts, the last first. Resolves when none is left. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.allSettled(this.#launching)
    for (const part of this.#parts.toReversed()) {
      const running = part.running
      await running?.stop()
      await part.watching
    }
  }

  /** For a second Ctrl-C: nobody is asked. */
  kill(): void {
    this.#stopping.abort()
    for (const part of this.#parts) part.running?.kill()
  }

  async #watch(part: { name: string; running: RunningPart | null }, options: PartOptions<RunningPart>): Promise<void> {
    let backoffMs = FIRST_BACKOFF_MS
    let startedAt = performance.now()
    let how = await part.running?.exited
    while (!this.isStopping) {
      part.running = null
      if (performance.now() - startedAt > HELD_MS) backoffMs = FIRST_BACKOFF_MS
      this.#say(`${options.name} ended (${how}); it starts again in ${backoffMs / 1000} s.`)
      await delay(backoffMs, undefined, { signal: this.#stopping.signal }).catch(() => {})
      if (this.isStopping) return
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
      startedAt = performance.now()
      try {
        const running = await options.launch(this.#stopping.signal)
        part.running = running
        if (this.isStopping) return await running.stop()
        this.#say(`${options.name} runs again.`)
        how = await running.exited
      } catch (error) {
        how = error instanceof Error ? error.message : String(error)
      }
    }
  }
}
