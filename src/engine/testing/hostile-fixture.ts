import { createAddressGuard } from '../source/address-guard.ts'
import { createSource, type SourceOptions } from '../source/http-source.ts'
import type { Source, SourceIdentity, SourceRead } from '../source/source.ts'
import { selfSignedCertificate } from './hostile-certificate.ts'
import { createHostileSource, type HostileSource } from './hostile-source.ts'

/** A hostile source and a Source that reads from it, with short timeouts. */
export interface HostileFixture {
  readonly hostile: HostileSource
  readonly source: Source
  /** Closes both; fails where a connection is left open once the Source is closed. */
  close(): Promise<void>
}

/**
 * Starts both. Loopback is allowed, since that is where the hostile source is. `isHttp2`: it speaks HTTP/2 over TLS, and the Source trusts
 * its certificate.
 */
export async function openHostileFixture({
  isHttp2 = false,
  ...options
}: Partial<SourceOptions> & { readonly isHttp2?: boolean } = {}): Promise<HostileFixture> {
  const tls = isHttp2 ? selfSignedCertificate() : null
  const hostile = await createHostileSource(tls ? { tls, isHttp2 } : {})
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  const source = createSource({
    guard,
    connectTimeoutMs: 2000,
    idleTimeoutMs: 2000,
    maxConnectionsPerHost: 16,
    userAgent: 'Sluice/test',
    ...(tls && { tls: { ca: tls.cert } }),
    ...options,
  })
  return {
    hostile,
    source,
    async close() {
      await source.close()
      await hostile.until(() => hostile.connections().open === 0)
      await hostile.close()
    },
  }
}

/** The identity a probe of the hostile source's honest file pins, with changes. */
export function pinnedIdentity(changes: Partial<SourceIdentity> = {}): SourceIdentity {
  return { sizeBytes: 1024 * 1024, etag: '"v1"', lastModified: null, acceptsRanges: true, ...changes }
}

/** What a read came to: the bytes the sink got, and its end. */
export interface ReadOutcome {
  readonly bytes: Buffer
  readonly result: Awaited<SourceRead['done']> | null
  readonly error: unknown
}

/** Reads to the end and keeps what the sink got, whether the read ends well or not. */
export async function outcomeOf(start: (sink: (chunk: Uint8Array) => boolean) => SourceRead): Promise<ReadOutcome> {
  const chunks: Buffer[] = []
  const read = start((chunk) => {
    chunks.push(Buffer.from(chunk))
    return true
  })
  try {
    const result = await read.done
    return { bytes: Buffer.concat(chunks), result, error: null }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), result: null, error }
  }
}
