import packageJson from '../../../package.json' with { type: 'json' }
import type { AddressGuard } from './address-guard.ts'
import type { SourceContext } from './follow.ts'
import { createTransport, type HttpClientName } from './http-client.ts'
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
}

/** A Source over HTTP(S). See source.ts for what it promises. */
export function createSource(options: SourceOptions): Source {
  const context: SourceContext = {
    transport: createTransport(options.httpClient ?? 'undici', options),
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
    close: () => context.transport.close(),
  }
}
