import { join } from 'node:path'
import { type HelperProcess, startHelper } from '../harness/helper-process.ts'
import type { TlsFiles } from '../sources/source.ts'
import { startCephStore } from './ceph-store.ts'

/** `discard` counts and checks bytes and keeps none; `ceph` is a real radosgw in memory. */
export type StoreKind = { readonly kind: 'discard'; readonly latencyMs?: number } | { readonly kind: 'ceph' }

export interface StoredObject {
  readonly sizeBytes: number
  /** Base64 as S3 sends it, computed from the bytes that arrived. */
  readonly crc32c: string
}

export interface StoreCounts {
  requests: number
  bytes: number
  /** What the store itself used. */
  cpuSeconds: number
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
  /** Null where the store does not say. */
  counts(): Promise<StoreCounts | null>
  /** What arrived under a key: size and CRC32C of the bytes themselves. */
  object(key: string): Promise<StoredObject | null>
  /** Removes everything, and waits until there is room for `nextBytes`. */
  clear(nextBytes: number): Promise<void>
  stop(): Promise<void>
}

/** Starts a store with an empty bucket named `bench`; or says in a sentence why it cannot. */
export async function startStore(wish: StoreKind, tls?: TlsFiles): Promise<RunningStore | { unavailable: string }> {
  if (wish.kind === 'ceph') return startCephStore()
  const script = join(import.meta.dirname, 'discard-store-process.ts')
  return discardStore(await startHelper(script, { latencyMs: wish.latencyMs ?? 0, tls }))
}

function discardStore(helper: HelperProcess): RunningStore {
  const keys = { accessKeyId: 'benchkey', secretAccessKey: 'benchsecret0123456789' }
  return {
    title: 'discarding store',
    connection: { endpoint: helper.url, region: 'us-east-1', bucket: 'bench', ...keys },
    counts: async () => ({ ...(await helper.ask<StoreCounts>('counts')), cpuSeconds: helper.cpuSeconds() }),
    object: (key) => helper.ask<StoredObject | null>('object', key),
    clear: () => helper.ask('clear'),
    stop: helper.stop,
  }
}
