/** `discard` counts and checks bytes and keeps none; `ceph` is a real radosgw in memory. */
export type StoreKind = { readonly kind: 'discard'; readonly latencyMs?: number } | { readonly kind: 'ceph' }

export interface StoredObject {
  readonly sizeBytes: number
  /** Base64 as S3 sends it, computed from the bytes that arrived. */
  readonly crc32c: string
}

export interface StoreCounts {
  /** Null where the store does not count them. */
  readonly requests: number | null
  readonly bytes: number | null
  /** What the store itself used. */
  readonly cpuSeconds: number
}

export interface StoreConnection {
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface RunningStore {
  readonly title: string
  readonly connection: StoreConnection
  counts(): Promise<StoreCounts>
  /** What arrived under a key: size and CRC32C of the bytes themselves. */
  object(key: string): Promise<StoredObject | null>
  /** Removes everything, and waits until there is room for `nextBytes`. */
  clear(nextBytes: number): Promise<void>
  stop(): Promise<void>
}
