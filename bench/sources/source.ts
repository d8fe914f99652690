/** Where a certificate for 127.0.0.1 and its key lie; `authority` is what clients are told to trust. */
export interface TlsFiles {
  readonly key: string
  readonly certificate: string
  readonly authority: string
}

/** What makes a source slow or stubborn. Nothing set: as fast as it goes, with ranges. */
export interface SourceLimits {
  /** Real pacing: each connection has its own meter, which goes on over requests. */
  readonly bytesPerSecondPerConnection?: number
  /** Requests in flight above this many are answered 429. */
  readonly maxRequests?: number
  /** Wait before the answer to each request. */
  readonly firstByteMs?: number
  readonly noRanges?: boolean
  readonly tls?: TlsFiles
}

/** `nginx` serves files from memory; `metered` is ours, which generates bytes and keeps to limits. */
export type SourceKind = { readonly kind: 'nginx' } | ({ readonly kind: 'metered' } & SourceLimits)

export interface SourceCounts {
  requests: number
  bytes: number
  /** Answered with 429. */
  refused: number
  /** What the source itself used; null where it is not ours. It tells whether the source was what held everybody up. */
  cpuSeconds: number | null
}

export interface RunningSource {
  readonly url: string
  /** Makes sure that the files of a work are there. */
  prepare(count: number, sizeBytes: number): Promise<void>
  counts(): Promise<SourceCounts>
  stop(): Promise<void>
}
