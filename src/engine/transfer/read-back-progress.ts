import { clearReadBack, tellReadBack } from '../../server/db/read-back.ts'
import { Stop } from './stop.ts'
import type { WorkContext } from './work-context.ts'

const TELL_MS = 1_000
/** How fast the shown speed follows the measured one: the last three seconds or so count. */
const SMOOTHING = 0.4

/**
 * Tells once a second how far an object was read back, for whoever watches: an entry of Transfer.live, as of any run. No samples and no
 * counters: what is read back, perhaps months later, is no part of how the transfer went. What cannot be written is left out.
 * Where the verification is this engine's no more, because somebody stopped it, `signal` is aborted with a Stop.
 */
export class ReadBackProgress {
  readonly #context: WorkContext
  readonly #id: string
  #readBytes = 0
  #toldBytes = 0
  #toldAtMs = performance.now()
  #bytesPerSecond = 0
  #telling: Promise<void> | null = null
  readonly #timer: NodeJS.Timeout
  readonly #stopper = new AbortController()

  constructor(context: WorkContext, id: string) {
    this.#context = context
    this.#id = id
    this.#timer = setInterval(() => {
      this.#telling ??= this.#tell().finally(() => {
        this.#telling = null
      })
    }, TELL_MS)
  }

  get signal(): AbortSignal {
    return this.#stopper.signal
  }

  read(bytes: number): void {
    this.#readBytes += bytes
  }

  /** Nothing is shown of it any more when this resolves. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#telling
    const { db, engineId, log } = this.#context
    await clearReadBack(db, engineId, this.#id).catch((err) =>
      log.debug({ transferId: this.#id, err }, 'the end of reading an object back could not be written'),
    )
  }

  async #tell(): Promise<void> {
    const { db, engineId, log } = this.#context
    const nowMs = performance.now()
    const measured = ((this.#readBytes - this.#toldBytes) * 1000) / Math.max(1, nowMs - this.#toldAtMs)
    const shown = this.#bytesPerSecond
    this.#bytesPerSecond = shown === 0 ? measured : shown + (measured - shown) * SMOOTHING
    this.#toldBytes = this.#readBytes
    this.#toldAtMs = nowMs
    const entry = {
      at: new Date().toISOString(),
      ...{ inflightBytes: 0, readLanes: 0, uploadLanes: 0, bufferedBytes: 0, movingParts: [] },
      bytesPerSecond: Math.round(this.#bytesPerSecond),
      readingBack: { readBytes: this.#readBytes },
    }
    try {
      if (!(await tellReadBack(db, engineId, this.#id, entry))) this.#stopper.abort(new Stop('user'))
    } catch (err) {
      log.debug({ transferId: this.#id, err }, 'how far an object was read back could not be written')
    }
  }
}
