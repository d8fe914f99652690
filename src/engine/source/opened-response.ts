import type { OpenResponse } from './exchange.ts'
import type { OpenedSource } from './source.ts'

/** An answer that a probe has kept: taken once, by the read that uses it. */
export class OpenedResponse implements OpenedSource {
  #response: OpenResponse | null

  constructor(response: OpenResponse) {
    this.#response = response
  }

  /** The answer, the first time; the taker reads it or gives it up. */
  take(): OpenResponse | null {
    const response = this.#response
    this.#response = null
    return response
  }

  discard(): void {
    this.take()?.discard()
  }
}
