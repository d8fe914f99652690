import type { ConnectionOptions } from 'node:tls'
import packageJson from '../../../package.json' with { type: 'json' }
import type { AddressGuard } from './address-guard.ts'
import type { SourceContext } from './follow.ts'
import { createTransport, type HttpClientName } from './http-client.ts'
import type { Http2Timing } from './http2/http2-connection.ts'
import { createHttp2Transport } from './http2/http2-transport.ts'
import { firstContact, openRange, probe } from './probe.ts'
import { readRange } from './read-range.ts'
import { readWhole } from './read-whole.ts'
import { RouteMemory } from './route-memory.ts'
import type { Source } from './source.ts'

export interface SourceOptions {
  readonly guard: AddressGuard
  /** From the start of a connection to the end of its TLS handshake, DNS included. */
  readonly connectTimeoutMs: number
  /** Without a byte from the peer while we are ready to read; there is no limit on the whole (product.md A6). */
  readonly idleTimeoutMs: number
  /** Connections per scheme, host and port; further reads wait for one. */
  readonly maxConnectionsPerHost: number
  readonly userAgent?: string
  /** What carries the requests; undici where nothing is given. */
  readonly httpClient?: HttpClientName
  /** Added to what TLS connections of ours are made with, undici's aside; tests bring their own trust. */
  readonly tls?: ConnectionOptions
  /** When an HTTP/2 connection that is silent is taken for dead; left out: as it is best. */
  readonly http2Timing?: Http2Timing
}

/** A Source over HTTP(S). See source.ts for what it promises. */
export function createSource(options: SourceOptions): Source {
  const transport = createTransport(options.httpClient ?? 'undici', options)
  const http2Transport = createHttp2Transport({
    guard: options.guard,
    timeoutMs: options.connectTimeoutMs,
    fallback: transport,
    ...(options.tls && { tls: options.tls }),
    ...(options.http2Timing && { timing: options.http2Timing }),
  })
  const context: SourceContext = {
    transport,
    http2Transport,
    guard: options.guard,
    routes: new RouteMemory(),
    idleTimeoutMs: options.idleTimeoutMs,
    userAgent: options.userAgent ?? `Sluice/${packageJson.version}`,
  }
  return {
    probe: (target, signal, options) => probe(context, target, signal, options),
    firstContact: (target, mostBytes, signal, options) => firstContact(context, target, mostBytes, signal, options),
    openRange: (target, range, signal) => openRange(context, target, range, signal),
    readRange: (request) => readRange(context, request),
    readWhole: (request) => readWhole(context, request),
    async close() {
      await http2Transport.close()
      await transport.close()
    },
  }
}
