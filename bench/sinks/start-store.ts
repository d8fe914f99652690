import { join } from 'node:path'
import { type HelperProcess, startHelper } from '../harness/helper-process.ts'
import type { TlsFiles } from '../sources/source.ts'
import { startCephStore } from './ceph-store.ts'
import type { RunningStore, StoreCounts, StoredObject, StoreKind } from './store.ts'

/** Starts a store with a bucket named `bench`, for runs of so many bytes; or says in a sentence why it cannot. */
export async function startStore(
  wish: StoreKind,
  runBytes: number,
  tls?: TlsFiles,
): Promise<RunningStore | { unavailable: string }> {
  if (wish.kind === 'ceph') return startCephStore(runBytes)
  const script = join(import.meta.dirname, 'discard-store-process.ts')
  return discardStore(await startHelper(script, { latencyMs: wish.latencyMs ?? 0, tls }))
}

function discardStore(helper: HelperProcess): RunningStore {
  const keys = { accessKeyId: 'benchkey', secretAccessKey: 'benchsecret0123456789' }
  return {
    title: 'discarding store',
    connection: { endpoint: helper.url, region: 'us-east-1', bucket: 'bench', ...keys },
    counts: async () => ({
      ...(await helper.ask<Omit<StoreCounts, 'cpuSeconds'>>('counts')),
      cpuSeconds: helper.cpuSeconds(),
    }),
    object: (key) => helper.ask<StoredObject | null>('object', key),
    clear: () => helper.ask('clear'),
    stop: helper.stop,
  }
}
