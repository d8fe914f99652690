import type { ConnectionOptions } from 'node:tls'
import type { AddressGuard } from './address-guard.ts'
import type { HttpTransport } from './http-transport.ts'
import { createLeanTransport } from './http1/lean-transport.ts'
import { createUndiciTransport } from './undici-transport.ts'

/** Who carries the bytes (SLUICE_HTTP_CLIENT): `lean`, our own HTTP/1.1 over sockets, or `undici`. */
export type HttpClientName = (typeof HTTP_CLIENTS)[number]
export const HTTP_CLIENTS = ['undici', 'lean'] as const

/** The transport of a source. */
export function createTransport(
  name: HttpClientName,
  options: {
    readonly guard: AddressGuard
    readonly connectTimeoutMs: number
    readonly maxConnectionsPerHost: number
    readonly tls?: ConnectionOptions
  },
): HttpTransport {
  if (name === 'undici') return createUndiciTransport(options)
  return createLeanTransport({
    guard: options.guard,
    timeoutMs: options.connectTimeoutMs,
    maxConnections: options.maxConnectionsPerHost,
    ...(options.tls && { tls: options.tls }),
  })
}
