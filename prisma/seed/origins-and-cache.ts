import type { Db } from '../../src/server/db/client.ts'
import { answerQuestion, openQuestions } from '../../src/server/db/engine-questions.ts'
import { saveLearnedLanes } from '../../src/server/db/origins.ts'
import { savePublishedOrigin } from '../../src/server/db/published-origins.ts'
import { GIB, MIB } from '../../src/server/domain/bytes.ts'
import type { CacheObject, SliceRuns } from '../../src/server/domain/cache.ts'
import type { EngineStats } from '../../src/server/domain/engine.ts'
import { type OriginStats, publishedOriginSaveSchema } from '../../src/server/domain/published-origin.ts'
import type { Sealer } from '../../src/server/secrets.ts'

const MINUTE_MS = 60_000

const ORIGINS = [
  {
    name: 'films',
    baseUrl: 'https://media.example.com/masters',
    access: 'signed',
    headers: { Authorization: 'seeded' },
  },
  { name: 'mirror', baseUrl: 'https://cdimage.example.org/debian-cd', access: 'public', ttlSeconds: 86_400, lanes: 16 },
  { name: 'weights', baseUrl: 'https://cdn.example.org/models', access: 'token', sizeCapBytes: 200 * GIB },
  { name: 'tiles', baseUrl: 'https://sentinel.example.eu', access: 'public', heuristicFreshness: true },
  { name: 'partner', baseUrl: 'https://drop.example.net/outgoing', access: 'token' },
  { name: 'archive', baseUrl: 'https://vault.example.net', access: 'signed', headers: { Authorization: 'seeded' } },
] as const

/** Ids of the origins that were written last, in the order of the list above. */
const originIds: string[] = []

/** Publishes origins whose credentials open nothing. */
export async function writeOrigins(db: Db, sealer: Sealer): Promise<void> {
  originIds.length = 0
  for (const origin of ORIGINS) {
    const { id } = await savePublishedOrigin(db, sealer, publishedOriginSaveSchema.parse(origin))
    originIds.push(id)
  }
  await saveLearnedLanes(db, 'https://media.example.com:443', 24)
  await saveLearnedLanes(db, 'https://cdn.example.org:443', 12)
}

/** An hour in which readers came, the caches filled, and one purge made them start over. */
export async function writeCacheHistory(db: Db, engineIds: readonly string[]): Promise<void> {
  for (const [index, engineId] of engineIds.entries())
    await db.cacheSample.createMany({
      data: Array.from({ length: 57 }, (_, minute) => {
        const age = minute < 34 ? minute : minute - 34
        const asked = Math.round(420 + 160 * Math.sin(minute / 6 + index) + ((minute * 37) % 50))
        const misses = Math.round(asked * (0.06 + 0.8 * Math.exp(-age / 3)))
        return {
          engineId,
          at: new Date(Date.now() - (57 - minute) * MINUTE_MS),
          hits: asked - misses,
          misses,
          hitBytes: BigInt((asked - misses) * MIB),
          storedBytes: BigInt(misses * MIB),
          evictions: age > 12 ? misses : 0,
          memoryBytes: BigInt(231 * MIB),
          diskBytes: BigInt(14 * GIB),
        }
      }),
    })
}

const SEALED =
  'Its headers and the key of its links were sealed with another key. Set SLUICE_SECRET_KEY to the key it was published with, or remove the origin and publish it again.'

/** What a seeded engine says of its cache and of its origins. */
export function cacheFigures(index: number): Pick<EngineStats, 'cache' | 'origins' | 'unservedOrigins'> {
  const sealed = originIds[5]
  return {
    unservedOrigins: sealed === undefined ? [] : [{ id: sealed, name: 'archive', message: SEALED }],
    cache: {
      memory: { bytes: (231 - 20 * index) * MIB, maxBytes: 256 * MIB, slices: 231 - 20 * index },
      disk: { state: 'ready', bytes: 14.2 * GIB, maxBytes: 20 * GIB, slices: 14_540 },
      shared: null,
      objects: 212,
      memoryHits: 41_204 - 9_000 * index,
      diskHits: 9_377,
      sharedHits: 0,
      misses: 3_911,
      hitBytes: 49 * GIB,
      storedBytes: 4 * GIB,
      memoryEvictions: 3_680,
      diskEvictions: 0,
      expired: 96,
      corrupt: 0,
      writeQueueDepth: index,
      writeQueueLimit: 5,
      writesDropped: 12,
      diskErrors: 0,
      sharedErrors: 0,
      compressionSavedBytes: 0,
    },
    origins: originIds.flatMap((originId, place): OriginStats[] => {
      if (place === 3 || place === 5) return []
      if (place === 4) return [failing(originId)]
      const requests = 9_000 - 2_000 * place
      return [
        {
          originId,
          breaker: place === 2 ? 'open' : 'closed',
          breakerUntilMs: place === 2 ? Date.now() + 41_000 : null,
          requests,
          hits: Math.round(requests * (0.97 - 0.2 * place)),
          misses: Math.round(requests * (0.03 + 0.2 * place)),
          errors: place === 2 ? 41 : 0,
          servedBytes: (31 - 9 * place) * GIB,
          originBytes: (1 + 2 * place) * GIB,
          activeReaders: 14 - 5 * place,
          p50Ms: 0.6 + 2.1 * place,
          p95Ms: 4.4 + 88 * place,
          p99Ms: 31 + 400 * place,
          recentAnswers: 128,
          recentErrors: place === 2 ? 126 : place === 1 ? 3 : 0,
          lastFailure: place === 0 ? null : failureOf(place),
        },
      ]
    }),
  }
}

/** One that gives each reader an error, which no breaker sees. */
function failing(originId: string): OriginStats {
  return {
    originId,
    breaker: 'closed',
    breakerUntilMs: null,
    requests: 17,
    hits: 0,
    misses: 0,
    errors: 17,
    servedBytes: 0,
    originBytes: 0,
    activeReaders: 0,
    p50Ms: null,
    p95Ms: null,
    p99Ms: null,
    recentAnswers: 17,
    recentErrors: 17,
    lastFailure: {
      code: 'source_unauthorized',
      message: 'The origin asks for a sign-in (401). Give it the right Authorization header under Edit.',
      atMs: Date.now() - 3 * MINUTE_MS,
    },
  }
}

function failureOf(place: number): OriginStats['lastFailure'] {
  return place === 1
    ? {
        code: 'source_not_found',
        message: 'There is no file (404) at https://cdimage.example.org/debian-cd/13.2.0/SHA1SUMS.',
        atMs: Date.now() - 4 * MINUTE_MS,
      }
    : {
        code: 'source_error',
        message: 'The source has a problem of its own (503) at https://cdn.example.org/models/llama-70b/config.json.',
        atMs: Date.now() - 19_000,
      }
}

/** Plays an engine that is asked for its objects. */
export async function answerQuestions(db: Db, engineId: string): Promise<void> {
  for (const { id, input } of await openQuestions(db, engineId)) {
    const { search = '', limit = 50 } = input as { search?: string; limit?: number }
    const found = OBJECTS.filter(({ originName, path }) => `${originName}/${path}`.includes(search.toLowerCase()))
    const nextCursor = found.length > limit ? String(limit) : null
    await answerQuestion(db, id, { items: found.slice(0, limit).map(present), nextCursor, total: found.length })
  }
}

const OBJECTS = [
  object(
    'films',
    'show-0412/episode-07-master.mxf',
    38.4 * GIB,
    [
      [0, 640],
      [9_100, 9_480],
      [30_000, 30_012],
    ],
    4_310,
    2,
  ),
  object('mirror', '13.2.0/amd64/iso-cd/debian-13.2.0-amd64-netinst.iso', 784 * MIB, [[0, 784]], 21_877, 4),
  object(
    'films',
    'trailers/trailer-2026.mp4',
    212 * MIB,
    [
      [0, 38],
      [120, 131],
      [207, 212],
    ],
    1_204,
    9,
  ),
  object('weights', 'llama-70b/llama-weights-00012-of-00191.safetensors', 9.8 * GIB, [[0, 9_000]], 44, 71),
  object(
    'mirror',
    '13.2.0/amd64/iso-dvd/debian-13.2.0-amd64-DVD-1.iso',
    3.7 * GIB,
    [
      [0, 12],
      [3_780, 3_788],
    ],
    12,
    380,
  ),
  object('weights', 'llama-70b/config.json', 1_423, [[0, 1]], 9_120, 640),
  object('tiles', '32/U/QD/2026/10/sentinel2-tile-32UQD.zip', 1.1 * GIB, [[1_100, 1_126]], 3, 2_900),
]

function object(
  originName: string,
  path: string,
  sizeBytes: number,
  disk: SliceRuns,
  hits: number,
  agoSeconds: number,
) {
  return { originName, path, sizeBytes: Math.round(sizeBytes), disk, hits, agoSeconds }
}

function present({ originName, path, sizeBytes, disk, hits, agoSeconds }: (typeof OBJECTS)[number]): CacheObject {
  const slices = disk.reduce((total, [first, afterLast]) => total + afterLast - first, 0)
  return {
    objectId: Buffer.from(path.padEnd(24).slice(-24)).toString('hex'),
    originId: null,
    originName,
    path,
    sizeBytes,
    sliceSizeBytes: MIB,
    etag: '"seeded"',
    lastModified: null,
    cachedBytes: Math.min(sizeBytes, slices * MIB),
    memory: disk.slice(0, 2).map(([first, afterLast]): [number, number] => [first, Math.min(afterLast, first + 60)]),
    disk,
    hits,
    storedAtMs: Date.now() - 40 * MINUTE_MS,
    lastAccessAtMs: Date.now() - agoSeconds * 1000,
  }
}
