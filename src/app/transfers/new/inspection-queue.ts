import type { Failure } from '../../../server/domain/failure.ts'
import type { SourceAnswer } from '../../../server/domain/inspection.ts'

/** What is known about a link. */
export type InspectionState =
  | { state: 'waiting' }
  | { state: 'asking' }
  | { state: 'found'; answer: SourceAnswer }
  | { state: 'failed'; failure: Failure }

export interface InspectionQueueOptions {
  /** Never rejects: a failure is an answer too. */
  ask: (url: string, signal: AbortSignal) => Promise<InspectionState>
  atMostAtOnce: number
  onChange: () => void
}

/**
 * Asks about links, a few at once, each once: answers are kept for as long as the form is open, whatever is typed in between. Links
 * that are no longer wanted before their turn are not asked about; those being asked about are given up.
 */
export class InspectionQueue {
  readonly #options: InspectionQueueOptions
  readonly #asking = new Map<string, AbortController>()
  #states: ReadonlyMap<string, InspectionState> = new Map()
  #wanted: readonly string[] = []

  constructor(options: InspectionQueueOptions) {
    this.#options = options
  }

  /** The latest states; a new map with each change. */
  get states(): ReadonlyMap<string, InspectionState> {
    return this.#states
  }

  /** Sets which links are of interest now, most urgent first. */
  want(urls: readonly string[]): void {
    this.#wanted = urls
    const wanted = new Set(urls)
    for (const [url, controller] of this.#asking)
      if (!wanted.has(url)) {
        controller.abort()
        this.#asking.delete(url)
        this.#set(url, null)
      }
    this.#next()
  }

  /** Asks again about a link that failed. */
  retry(url: string): void {
    if (this.#asking.has(url)) return
    this.#set(url, null)
    this.#next()
  }

  /** Gives up everything that is under way. */
  stop(): void {
    this.#wanted = []
    for (const controller of this.#asking.values()) controller.abort()
    this.#asking.clear()
  }

  #next(): void {
    for (const url of this.#wanted) {
      if (this.#asking.size >= this.#options.atMostAtOnce) return
      if (!this.#asking.has(url) && !this.#states.has(url)) void this.#ask(url)
    }
  }

  async #ask(url: string): Promise<void> {
    const controller = new AbortController()
    this.#asking.set(url, controller)
    this.#set(url, { state: 'asking' })
    const state = await this.#options.ask(url, controller.signal)
    if (this.#asking.get(url) !== controller) return
    this.#asking.delete(url)
    this.#set(url, state)
    this.#next()
  }

  #set(url: string, state: InspectionState | null): void {
    const states = new Map(this.#states)
    if (state) states.set(url, state)
    else states.delete(url)
    this.#states = states
    this.#options.onChange()
  }
}
