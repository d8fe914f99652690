import { Origin } from './origin.ts'

/** Origins that are kept in memory; what they learned is in the database anyway. */
const MAX_KNOWN = 1_000

/** Where learned lane counts are kept between processes; keyed by `scheme://host:port`. */
export interface LaneMemory {
  load(baseUrl: string): Promise<number | null>
  save(baseUrl: string, lanes: number): Promise<void>
}

/**
 * The origins this process reads from. All transfers of one origin get the same object, so they share its lanes and its
 * "slow down until". What is remembered is read when an origin is first met and written when its number has changed.
 */
export class Origins {
  readonly #memory: LaneMemory
  readonly #fixedLanes: number | null
  readonly #known = new Map<string, Promise<Origin>>()
  readonly #saved = new Map<string, number>()

  constructor(memory: LaneMemory, options: { readonly fixedLanes?: number | null } = {}) {
    this.#memory = memory
    this.#fixedLanes = options.fixedLanes ?? null
  }

  /** The origin of a URL that the guard has allowed. A memory that cannot be read is an origin without one. */
  of(url: string): Promise<Origin> {
    const baseUrl = baseUrlOf(url)
    let origin = this.#known.get(baseUrl)
    if (!origin) {
      origin = this.#meet(baseUrl)
      this.#known.set(baseUrl, origin)
      if (this.#known.size > MAX_KNOWN) void this.#forgetIdle()
    }
    return origin
  }

  /** Writes what was learned, where it has changed. Rejects where the memory cannot be written; nothing is lost by that. */
  async remember(origin: Origin): Promise<void> {
    const { baseUrl, learnedLanes } = origin
    if (this.#fixedLanes !== null || learnedLanes === null || this.#saved.get(baseUrl) === learnedLanes) return
    await this.#memory.save(baseUrl, learnedLanes)
    this.#saved.set(baseUrl, learnedLanes)
  }

  /** The longest known that are idle go, so that a process which has seen many hosts does not keep them all. */
  async #forgetIdle(): Promise<void> {
    for (const [baseUrl, known] of [...this.#known].slice(0, this.#known.size - MAX_KNOWN)) {
      if (!(await known).isIdle) continue
      this.#known.delete(baseUrl)
      this.#saved.delete(baseUrl)
    }
  }

  async #meet(baseUrl: string): Promise<Origin> {
    const learnedLanes = await this.#memory.load(baseUrl).catch(() => null)
    if (learnedLanes !== null) this.#saved.set(baseUrl, learnedLanes)
    return new Origin(baseUrl, { learnedLanes, fixedLanes: this.#fixedLanes })
  }
}

/** `scheme://host:port`, the port always there, nothing else of the URL: no path, no user, no secret. */
export function baseUrlOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  return `${protocol}//${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}
