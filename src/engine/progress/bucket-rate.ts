/** What was taken in this time says how fast the bucket is now. */
const LOOK_BACK_MS = 2_000
/** Marks closer together than this say nothing new. */
const MARK_EVERY_MS = 200

/** How fast a bucket takes bytes, from a counter that only grows and is looked at now and then. Milliseconds of any steady clock. */
export class BucketRate {
  readonly #marks: { readonly ms: number; readonly bytes: number }[] = []

  /** Bytes a second over the last two seconds or so; 0 until that is known. */
  at(nowMs: number, bytes: number): number {
    const newest = this.#marks.at(-1)
    if (!newest || nowMs - newest.ms >= MARK_EVERY_MS) this.#marks.push({ ms: nowMs, bytes })
    while ((this.#marks[1]?.ms ?? nowMs) < nowMs - LOOK_BACK_MS) this.#marks.shift()
    const oldest = this.#marks[0]
    if (!oldest || nowMs - oldest.ms < MARK_EVERY_MS) return 0
    return ((bytes - oldest.bytes) / (nowMs - oldest.ms)) * 1000
  }
}
