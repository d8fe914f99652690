import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { ConfigError, isLoopback } from '../server/config/env.ts'

export interface StatusServerOptions {
  readonly host: string
  readonly port: number
  /** True where another port may be taken instead, because nobody chose this one. */
  readonly mayMove: boolean
  /** Null where metrics are switched off, or served elsewhere. */
  readonly registry: Registry | null
  readonly isReady: () => boolean
  /** Host names besides loopback that a request may carry. */
  readonly publicHost: string
}

/**
 * The engine's own HTTP: `/healthz` (the process lives), `/readyz` (it reaches its database and takes work), `/metrics`
 * (Prometheus text). Requests under a foreign host name are refused, so that no page elsewhere can reach it by rebinding.
 */
export async function startStatusServer(
  options: StatusServerOptions,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    if (!isLoopback(host) && host !== options.publicHost)
      return answer(response, 403, 'This host name is not one of Sluice.\n')
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'Only GET is answered here.\n')
    const { pathname } = new URL(request.url ?? '/', 'http://engine')
    if (pathname === '/healthz') return answer(response, 200, 'ok\n')
    if (pathname === '/readyz') {
      const isReady = options.isReady()
      return answer(response, isReady ? 200 : 503, isReady ? 'ready\n' : 'The database is out of reach.\n')
    }
    if (pathname === '/metrics' && options.registry) {
      const { registry } = options
      registry.metrics().then(
        (text) => answer(response, 200, text, registry.contentType),
        () => answer(response, 500, 'The metrics could not be collected.\n'),
      )
      return
    }
    answer(response, 404, 'Nothing here. There are /healthz, /readyz and /metrics.\n')
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  await listen(server, options)
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server, { host, port, mayMove }: StatusServerOptions): Promise<void> {
  try {
    await listenOn(server, host, port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (!mayMove)
      throw new ConfigError(
        `Port ${port} is taken, so the engine cannot listen on it. Stop what uses it, or set ENGINE_PORT to another one.`,
      )
    await listenOn(server, host, 0)
  }
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  })
  response.end(body)
}
