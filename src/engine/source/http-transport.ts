/** Status and headers of an answer; header names in lower case, values as latin1 text. */
export interface ResponseHead {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** What a transport tells about one GET, in this order; after onEnd or onError nothing more is called. */
export interface ExchangeListener {
  /** The request is on a connection: from here on the peer can be too slow. */
  onSent(): void
  /** The head of the final answer (1xx are swallowed). The body does not flow before `resume()`. */
  onHead(head: ResponseHead): void
  /** Body bytes as they came, no decoding. Valid during the call. Never called while paused. */
  onData(chunk: Uint8Array): void
  /** Where the next body bytes may go without a copy, or null; a transport need not ask. Memory stays until the exchange is over. */
  place?(): Uint8Array | null
  /** `isReset`: the connection was reset where its close was the only sign of the end. */
  onEnd(end: { readonly isReset: boolean }): void
  /** Whatever the connection or the parser threw; source-failure.ts makes a sentence of it. */
  onError(error: unknown): void
}

/** A GET under way. All three are harmless after its end. */
export interface HttpExchange {
  pause(): void
  resume(): void
  /** Ends the exchange with `onError(reason)` and destroys its connection; over HTTP/2 its stream alone. */
  abort(reason: unknown): void
}

/**
 * Carries single GETs through the address guard. Proving, redirects, timeouts and sentences are no business of a transport, so
 * that undici, our own sockets and HTTP/2 can stand behind the same source.
 */
export interface HttpTransport {
  get(
    request: { readonly url: URL; readonly headers: Readonly<Record<string, string>> },
    listener: ExchangeListener,
  ): HttpExchange
  close(): Promise<void>
}

/** A header as one string; repeated ones joined as RFC 9110 section 5.3 says. Null where it is missing. */
export function headerOf(head: ResponseHead, name: string): string | null {
  const value = head.headers[name]
  if (value === undefined) return null
  return Array.isArray(value) ? value.join(', ') : value
}
