import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { ConfigError, isLoopback } from '../server/config/env.ts'
import { listenWidely, type WideListener } from './listen-widely.ts'

export interface StatusServerOptions {
  readonly host: string
  readonly port: number
  /** The setting that names the port, for the sentence where it is taken. */
  readonly setting: string
  /** True where another port may be taken instead, because nobody chose this one. */
  readonly mayMove: boolean
  /** Null where metrics are switched off, or served elsewhere. */
  readonly registry: Registry | null
  readonly isReady: () => boolean
  /** Answers requests of readers, under /o/; false for any other. */
  readonly files?: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Host names besides loopback that a request may carry. */
  readonly publicHosts: readonly string[]
  /** What a proxy may leave before /o/, such as `/files`; '' for nothing. It is taken off here, because a proxy that does so decodes the rest. */
  readonly publicPath?: string
}

/**
 * The engine's own HTTP: `/healthz` (the process lives), `/readyz` (it reaches its database and takes work), `/metrics`
 * (Prometheus text), and what `files` serves. Requests under a foreign host name, or from another site's page, are refused.
 */
export async function startStatusServer(
  options: StatusServerOptions,
): Promise<{ url: string; port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
    if (!isLoopback(host) && !options.publicHosts.includes(host))
      return answer(response, 403, 'This host name is not one of Sluice.\n')
    const { publicPath = '' } = options
    if (publicPath !== '' && request.url?.startsWith(`${publicPath}/o/`))
      request.url = request.url.slice(publicPath.length)
    // Files are for players and pages of other sites too; who may read them is their own question.
    if (options.files?.(request, response)) return
    if (isFromForeignPage(request)) return answer(response, 403, "The request comes from another site's page.\n")
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'Only GET is answered here.\n')
    // Cut, not parsed: a URL parser throws at targets such as "//", and nobody would catch that.
    const [pathname] = (request.url ?? '/').split('?', 1)
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
    answer(response, 404, 'Nothing here. There are /healthz, /readyz, /metrics and /o/.\n')
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  // Longer than the minute for which proxies keep idle connections, so that it is not us who closes one that is just used again.
  server.keepAliveTimeout = 65_000
  const listener = await listen(server, options)
  const { port } = listener
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}`,
    port,
    close: async () => {
      listener.close()
      server.closeAllConnections()
    },
  }
}

/** A browser's request for a page of another site; a link that a person followed is none. */
function isFromForeignPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'] ?? 'none'
  const isFollowedLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return site !== 'none' && site !== 'same-origin' && !isFollowedLink
}

async function listen(
  server: Server,
  { host, port, setting, mayMove, files }: StatusServerOptions,
): Promise<WideListener> {
  // Readers come by the thousand, Prometheus alone.
  const listeners = files ? undefined : 1
  try {
    return await listenWidely(server, { host, port }, listeners)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (!mayMove)
      throw new ConfigError(
        `Port ${port} is taken, so the engine cannot listen on it. Stop what uses it, or set ${setting} to another one.`,
      )
    return await listenWidely(server, { host, port: 0 }, listeners)
  }
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
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  })
  response.end(body)
}
