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

/** What a probe kept, ended by this reader's signal from now on; null where there is nothing (any more). Throws the signal's reason. */
export function takeOpened(opened: OpenedSource | null | undefined, signal: AbortSignal): OpenResponse | null {
  const kept = opened instanceof OpenedResponse ? opened.take() : null
  if (!kept) return null
  if (signal.aborted) {
    kept.abort(signal.reason)
    throw signal.reason
  }
  signal.addEventListener('abort', () => kept.abort(signal.reason), { once: true })
  return kept
}
