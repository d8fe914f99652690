/** A PUT of a part, signed and framed. */
export interface PartRequest {
  /** Scheme, host and port. */
  readonly origin: string
  /** With its query. */
  readonly path: string
  /** Names in lower case; Content-Length and Host among them. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The bytes in order, as many as Content-Length says; null for none. The next piece is asked for when the kernel has the last
   * one (of pieces of 64 KiB or more: smaller ones may be asked for earlier).
   */
  readonly body: AsyncGenerator<Uint8Array | string> | null
  readonly signal: AbortSignal
}

/** What the store answered, read to its end. */
export interface PartAnswer {
  readonly statusCode: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Of an answer that is not 2xx: its body, or as much of it as came and is sensible to keep. */
  readonly text: string
}

/** An error page needs no more than this. */
export const MAX_ERROR_BODY_BYTES = 64 * 1024

/**
 * Carries PUTs over HTTP/1.1 through the address guard, one at a time on a keep-alive connection. Resolves with the answer,
 * also where an error comes while bytes are still being sent, and ends the connection then. Rejects with what broke the
 * connection, with an error of the body, or with the signal's reason. Nothing is repeated.
 */
export interface PartCarrier {
  put(request: PartRequest): Promise<PartAnswer>
  /** Destroys all connections. */
  close(): void
}
