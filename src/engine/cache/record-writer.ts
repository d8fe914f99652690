import type { ObjectRecord } from './slice-cache.ts'

/** Records are small; more than this many that wait means a medium that stands still. */
const MAX_WAITING = 5_000

/** Writes records one after another, of each object only the latest, so that an older one never comes after a newer one. */
export class RecordWriter {
  readonly #write: (record: ObjectRecord) => Promise<unknown>
  readonly #waiting = new Map<string, ObjectRecord>()
  #running: Promise<void> | null = null
  #current: Promise<unknown> = Promise.resolve()

  /** `write` never rejects. */
  constructor(write: (record: ObjectRecord) => Promise<unknown>) {
    this.#write = write
  }

  /** Never waits. Where too many wait, the record is left out. */
  offer(record: ObjectRecord): void {
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(record.objectId)) return
    this.#waiting.set(record.objectId, record)
    this.#running ??= this.#run()
  }

  /** Leaves out what waits for the objects that match, and resolves when the one that runs now is done. */
  async forget(matches: (objectId: string) => boolean): Promise<void> {
    for (const objectId of this.#waiting.keys()) if (matches(objectId)) this.#waiting.delete(objectId)
    await this.#current
  }

  /** Resolves when everything that was offered is written. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    await null
    for (;;) {
      const [next] = this.#waiting.values()
      if (!next) break
      this.#waiting.delete(next.objectId)
      this.#current = this.#write(next)
      await this.#current
    }
    this.#running = null
  }
}
