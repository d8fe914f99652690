import type { OpenedSource } from '../source/source.ts'
import type { FileSlice, SlicedFile } from './sliced-file.ts'

/** The answer of a first contact: bytes of a file that somebody waits for, and that begin to flow when they are read. */
export interface OpenedAnswer {
  readonly opened: OpenedSource
  /** `[startByte, endByte)`, whole slices; null where it is the one stream of a source without ranges. */
  readonly range: { readonly startByte: number; readonly endByte: number } | null
  /** How long the origin took to its head. */
  readonly headMs: number
}

/** Interest in the slices that were asked for with the very first question, until those who asked have said which ones they want. */
export class Opening {
  readonly slices: readonly FileSlice[]
  readonly #file: SlicedFile
  readonly #ready = Promise.withResolvers<void>()
  #isReleased = false

  constructor(file: SlicedFile, slices: readonly FileSlice[]) {
    this.#file = file
    this.slices = slices
    file.opening = this
  }

  /** Resolves when the body may be read: what nobody keeps must not come before those who wait for it have joined. */
  get ready(): Promise<void> | null {
    return this.#file.cache === null ? this.#ready.promise : null
  }

  /**
   * Whoever waited for the first answer has it now. What nobody has joined is kept coming only for readers that go on, and only where it is
   * the cache that holds it.
   */
  settled(): void {
    if (this.#file.cache === null || !this.#file.hasReaders) this.release()
    for (const whole of this.#file.wholes) whole.interestLost()
    this.#ready.resolve()
  }

  /** Harmless when called again. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (this.#file.opening === this) this.#file.opening = null
    for (const slice of this.slices) slice.release()
  }
}
