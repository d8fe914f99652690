import type { Warning } from '../../server/domain/failure.ts'
import type { SourceDigest } from '../../server/domain/transfer.ts'

/** Where to read: the whole URL, secrets included, and the headers the user gave for it. */
export interface SourceTarget {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** `2`: HTTP/2 where the server chooses it in the TLS handshake. Left out: HTTP/1.1. */
  readonly httpVersion?: '1.1' | '2'
}

/** What was pinned about a source at first contact. Every later answer is held against it. */
export interface SourceIdentity {
  /** Null where the source did not say. */
  readonly sizeBytes: number | null
  /** As sent, quotes and `W/` included. A weak one proves nothing about bytes (RFC 9110 section 8.8.1). */
  readonly etag: string | null
  readonly lastModified: string | null
  /** True only after a ranged GET was answered with a right 206. */
  readonly acceptsRanges: boolean
}

/** The answer of a probe. */
export interface SourceProbe {
  readonly identity: SourceIdentity
  /** From Content-Disposition or the path; one segment, safe as a key. */
  readonly name: string
  readonly contentType: string | null
  /** Of the answer the identity was pinned from; names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly warnings: readonly Warning[]
  /** Digests of the whole file that the answer carried (source-digests.ts). */
  readonly digests: readonly SourceDigest[]
  /** The answer itself where it is the whole file and was to be kept; whoever gets it hands it to `readWhole` or gives it up. */
  readonly opened: OpenedSource | null
}

/** The answer to a GET of the whole file whose body waits. */
export interface OpenedSource {
  /** Gives it up; harmless once it was read. */
  discard(): void
}

export interface ProbeOptions {
  /** Keep an answer that is the whole file, so that it can be read and need not be asked for again (correctness.md case 9). */
  readonly keepsWhole?: boolean
  /** The link answers once: ask for the whole file at once, with no Range. */
  readonly isOneTime?: boolean
}

/** A probe whose question was a range that is wanted anyway. */
export interface OpenedRange {
  /** Its `opened` is the answer, where that is of use: for `readRange` of exactly `range`, or for `readWhole` where `range` is null. */
  readonly probe: SourceProbe
  /** `[startByte, endByte)` of what waits; it ends where the file does. */
  readonly range: { readonly startByte: number; readonly endByte: number } | null
}

/** A probe that may have brought the file along. */
export interface FirstContact {
  readonly probe: SourceProbe
  /**
   * The body, where the answer has the whole file: all bytes come from the one answer that was probed. Exactly one of `read` and
   * `discard` is called, soon. Null where the file is larger, empty, or of unknown length.
   */
  readonly whole: {
    readonly sizeBytes: number
    read(sink: ByteSink, place?: BytePlace): SourceRead
    discard(): void
  } | null
}

/**
 * Takes bytes in order. The chunk is only valid during the call: copy what you keep. Returning false pauses the
 * connection until `SourceRead.resume()`; the chunk itself was taken. May throw to end the read with that error.
 */
export type ByteSink = (chunk: Uint8Array) => boolean

/**
 * Names where the next bytes may go: the sink then gets them as a view of that memory, and has nothing to copy. Asked anew after each
 * chunk; null where they may not. The memory is the reader's until the read is over or aborted.
 */
export type BytePlace = () => Uint8Array | null

/** How a read ended well. */
export interface ReadResult {
  readonly bytes: number
  /**
   * False only after `readWhole` of a source that neither said its length nor sent chunks: a cut connection looks like the
   * end then, so the object is labelled "length not verified" (correctness.md case 20).
   */
  readonly lengthVerified: boolean
}

/** A read under way. */
export interface SourceRead {
  /** Resolves when every byte asked for was handed to the sink; rejects with a TransferError, or the signal's reason. */
  readonly done: Promise<ReadResult>
  /** Goes on after the sink returned false. Harmless when not paused; not needed after the last byte of a known length. */
  resume(): void
}

export interface RangeRequest {
  readonly target: SourceTarget
  readonly identity: SourceIdentity
  /** `[startByte, endByte)`: the end is not read. */
  readonly startByte: number
  readonly endByte: number
  readonly sink: ByteSink
  /** Left out: bytes come in buffers of the source. */
  readonly place?: BytePlace
  readonly signal: AbortSignal
  /** An answer to exactly this range that `openRange` kept; it is proven and read in place of a new one. */
  readonly opened?: OpenedSource | null
}

/** One GET without Range from byte 0 to the end; for sources without ranges or without a length. */
export type WholeRequest = Omit<RangeRequest, 'startByte' | 'endByte'>

/**
 * Reads from HTTP(S) sources. Every answer is proven before a byte reaches a sink: 206 with the exact Content-Range, the
 * pinned identity, no Content-Encoding, exact length. Redirects are followed by hand, guarded at each hop.
 * Failures are TransferErrors with `retry`; reads are not retried here, the caller knows from which byte to go on.
 */
export interface Source {
  probe(target: SourceTarget, signal: AbortSignal, options?: ProbeOptions): Promise<SourceProbe>
  /** Probes by asking for the first `mostBytes`, so that a small file takes one request. */
  firstContact(
    target: SourceTarget,
    mostBytes: number,
    signal: AbortSignal,
    options?: ProbeOptions,
  ): Promise<FirstContact>
  /**
   * Probes by asking for a range that is wanted anyway, so that its bytes come with the first answer. What an odd answer to that means is
   * found out by a plain probe.
   */
  openRange(
    target: SourceTarget,
    range: { readonly startByte: number; readonly endByte: number },
    signal: AbortSignal,
  ): Promise<OpenedRange>
  readRange(request: RangeRequest): SourceRead
  readWhole(request: WholeRequest): SourceRead
  /** Closes all connections; reads under way fail. */
  close(): Promise<void>
}
