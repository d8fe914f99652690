import { join } from 'node:path'
import { startHelper } from '../harness/helper-process.ts'
import { startNginxSource } from './nginx-source.ts'
import type { RunningSource, SourceCounts, SourceKind, TlsFiles } from './source.ts'

/** Starts the source of a scenario on a free port of 127.0.0.1. */
export async function startSource(wish: SourceKind, tls: TlsFiles | undefined): Promise<RunningSource> {
  if (wish.kind === 'nginx') return startNginxSource(tls)
  const helper = await startHelper(join(import.meta.dirname, 'metered-source-process.ts'), { ...wish, tls })
  return {
    url: helper.url,
    prepare: async () => undefined,
    counts: async () => ({ ...(await helper.ask<SourceCounts>('counts')), cpuSeconds: helper.cpuSeconds() }),
    stop: helper.stop,
  }
}
