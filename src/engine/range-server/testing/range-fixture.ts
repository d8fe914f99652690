import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServedOrigin } from '../../../server/domain/published-origin.ts'
import type { SliceCache } from '../../cache/slice-cache.ts'
import type { Pace } from '../../slice/span-fetch.ts'
import { createPlainCache, type PlainCache } from '../../slice/testing/plain-cache.ts'
import type { Http2Timing } from '../../source/http2/http2-connection.ts'
import { Origins } from '../../source/origins.ts'
import type { HostileBehaviour } from '../../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture } from '../../testing/hostile-fixture.ts'
import { type ReadFigures, ReadService, type ReadSettings } from '../read-service.ts'

/** A range server in front of a hostile source, published as `files`. */
export interface RangeFixture {
  readonly hostile: HostileFixture['hostile']
  readonly service: ReadService
  readonly cache: PlainCache
  readonly port: number
  /** Sets how a path of the origin is answered, e.g. `/a.bin`. */
  serve(path: string, behaviour: HostileBehaviour): void
  /** Changes the published origin. */
  publish(changes: Partial<ServedOrigin>): void
  /** GET, or another method, of `/o/files` + path. */
  get(path: string, headers?: Record<string, string>, method?: string): Promise<RangeAnswer>
  /** The same, but resolves with the head; the body waits to be read. */
  open(path: string, headers?: Record<string, string>, method?: string): Promise<IncomingMessage>
  figures(): ReadFigures
  /** Resolves once so many requests of readers have arrived, in all. */
  arrived(requests: number): Promise<void>
  /** Cuts the connections of all readers. */
  drop(): void
  close(): Promise<void>
}

export interface RangeAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** The connection was cut before the body was whole. */
  readonly isCut: boolean
}

/** As it is, and with each switch off (product.md B11): what is answered is the same. */
export const EVERY_SWITCH: readonly (readonly [string, Partial<ReadSettings['features']>])[] = [
  ['as it is', {}],
  ['without coalescing', { coalescing: false }],
  ['without the breaker', { breaker: false }],
  ['without priorities', { priorities: false }],
  ['without parallel slices', { parallelSlices: false }],
]

export const TEST_SLICE_BYTES = 64 * 1024

export const TEST_ORIGIN: ServedOrigin = {
  id: '00000000-0000-7000-8000-000000000001',
  name: 'files',
  baseUrl: '',
  headers: {},
  credentialScope: '',
  access: 'public',
  ttlSeconds: 60,
  heuristicFreshness: false,
  sizeCapBytes: null,
  lanes: null,
  httpVersion: '1.1',
  signingKey: { id: 'key1', secret: 'a secret of tests' },
  updatedAtMs: 1,
}

/** Starts all of it. Slices are small, retries are few, and everything is over in a moment. */
export async function openRangeFixture(
  options: {
    readonly settings?: Partial<ReadSettings>
    readonly features?: Partial<ReadSettings['features']>
    readonly origin?: Partial<ServedOrigin>
    readonly cache?: SliceCache
    readonly maxSlices?: number
    readonly checkToken?: (token: string) => Promise<boolean>
    readonly lanes?: number
    readonly keepAliveMs?: number
    readonly pace?: Pace
    /** The origin speaks HTTP/2 too, and is published with it. */
    readonly isHttp2?: boolean
    readonly http2Timing?: Http2Timing
  } = {},
): Promise<RangeFixture> {
  const fixture = await openHostileFixture({
    httpClient: 'lean',
    isHttp2: options.isHttp2 ?? false,
    ...(options.http2Timing && { http2Timing: options.http2Timing }),
    maxConnectionsPerHost: 64,
    // A busy machine is no silent peer.
    idleTimeoutMs: 30_000,
    connectTimeoutMs: 30_000,
  })
  const { hostile } = fixture
  const plain = createPlainCache(options.maxSlices === undefined ? {} : { maxSlices: options.maxSlices })
  const origins = new Origins(
    { load: async () => null, save: async () => undefined },
    { fixedLanes: options.lanes ?? 16 },
  )
  const service = new ReadService({
    settings: {
      sliceSizeBytes: TEST_SLICE_BYTES,
      sliceRetries: 2,
      maxSpansPerFile: 4,
      maxSlicesPerSpan: 8,
      prefetchSlices: 3,
      maxOriginRequests: 100,
      maxQueued: 1000,
      breakerFailures: 5,
      breakerOpenMs: 60_000,
      idleTimeoutMs: 30_000,
      waitLimitMs: 60_000,
      features: { coalescing: true, breaker: true, priorities: true, parallelSlices: true, ...options.features },
      ...options.settings,
    },
    source: fixture.source,
    cache: options.cache ?? plain,
    lanesOf: (url) => origins.of(url),
    checkToken: options.checkToken ?? (async () => false),
    log: { debug: () => undefined, warn: () => undefined },
    pace: options.pace ?? null,
  })
  let config: ServedOrigin = {
    ...TEST_ORIGIN,
    baseUrl: hostile.origin,
    ...(options.isHttp2 && { httpVersion: '2' }),
    ...options.origin,
  }
  service.update([config])
  const server = createServer((request, response) => {
    if (!service.server.handle(request, response)) response.writeHead(404).end()
  })
  if (options.keepAliveMs !== undefined) server.keepAliveTimeout = options.keepAliveMs
  server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const open = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, path: `/o/files${path}`, headers, method }, resolve)
      request.on('error', reject)
      request.end()
    })
  return {
    hostile,
    service,
    cache: plain,
    port,
    serve: (path, behaviour) => void hostile.serve(path, behaviour),
    publish(changes) {
      config = { ...config, ...changes, updatedAtMs: config.updatedAtMs + 1 }
      service.update([config])
    },
    open,
    async get(path, headers, method) {
      const response = await open(path, headers, method)
      const chunks: Buffer[] = []
      let isCut = false
      try {
        for await (const chunk of response) chunks.push(chunk as Buffer)
      } catch {
        isCut = true
      }
      return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), isCut }
    },
    figures: () => service.figures(),
    async arrived(requests) {
      while ((service.figures().origins[0]?.requests ?? 0) < requests) await delay(2)
    },
    drop: () => server.closeAllConnections(),
    async close() {
      service.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await fixture.close()
    },
  }
}
