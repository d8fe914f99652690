import { createServer } from 'node:http'
import { openTieredCache } from '../../src/engine/cache/open-tiered-cache.ts'
import { listenWidely } from '../../src/engine/listen-widely.ts'
import { ReadService } from '../../src/engine/range-server/read-service.ts'
import { createAddressGuard } from '../../src/engine/source/address-guard.ts'
import { createSource } from '../../src/engine/source/http-source.ts'
import { MAX_LANES_PER_ORIGIN } from '../../src/engine/source/origin.ts'
import { Origins } from '../../src/engine/source/origins.ts'
import { PROFILES } from '../../src/server/config/env.ts'
import { createLog } from '../../src/server/log.ts'
import { answerParent, readHelperOptions } from '../harness/helper-process.ts'

// The range server of an engine by itself, with the settings of the profile `balanced` and a larger memory tier: no database, no transfers.
const { originUrl, cacheBytes } = readHelperOptions<{ originUrl: string; cacheBytes: number }>()
const profile = PROFILES.balanced
const source = createSource({
  guard: createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] }),
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 30_000,
  maxConnectionsPerHost: MAX_LANES_PER_ORIGIN,
  httpClient: 'lean',
})
const log = createLog('engine', 'warn')
const cache = await openTieredCache({
  memoryBytes: cacheBytes,
  ttlMs: 3_600_000,
  writeQueue: 5,
  disk: null,
  redisUrl: null,
  log,
})
const origins = new Origins({ load: async () => null, save: async () => undefined })
const service = new ReadService({
  settings: {
    sliceSizeBytes: profile.sliceSizeBytes,
    sliceRetries: profile.sliceRetries,
    maxSpansPerFile: profile.spansPerFile,
    maxSlicesPerSpan: profile.spanSlices,
    prefetchSlices: 3,
    maxOriginRequests: 100,
    maxQueued: 1000,
    breakerFailures: 5,
    breakerOpenMs: 60_000,
    idleTimeoutMs: 30_000,
    features: { coalescing: true, breaker: true, priorities: true, parallelSlices: true },
  },
  source,
  cache,
  lanesOf: (url) => origins.of(url),
  checkToken: async () => false,
  log,
})
service.update([
  {
    id: '00000000-0000-7000-8000-000000000001',
    name: 'bench',
    baseUrl: originUrl,
    headers: {},
    credentialScope: '',
    access: 'public',
    ttlSeconds: 3600,
    heuristicFreshness: false,
    sizeCapBytes: null,
    lanes: null,
    httpVersion: '1.1',
    signingKey: { id: 'key', secret: 'a secret of the bench' },
    updatedAtMs: 1,
  },
])
const server = createServer((request, response) => {
  if (!service.server.handle(request, response)) response.writeHead(404).end()
})
server.keepAliveTimeout = 65_000
const { port } = await listenWidely(server, { host: '127.0.0.1', port: 0 })
answerParent(`http://127.0.0.1:${port}/o/bench`, {
  figures: () => ({ ...service.figures(), memory: process.memoryUsage(), cachedBytes: cache.stats().memory.bytes }),
  purge: () => void service.purge('all'),
})
