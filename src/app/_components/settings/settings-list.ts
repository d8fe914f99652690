import { type Env, readEnv } from '../../../server/config/env.ts'
import { formatBytes } from '../../../server/domain/bytes.ts'

export interface SettingView {
  name: string
  value: string
  /** Whether it is what one gets without setting it. */
  isDefault: boolean
  meaning: string
}

export interface SettingGroup {
  title: string
  settings: SettingView[]
}

type Show = (env: Env) => string

const ms: (pick: (env: Env) => number) => Show = (pick) => (env) => `${pick(env) / 1000} s`

const onOff: (pick: (env: Env) => boolean) => Show = (pick) => (env) => (pick(env) ? 'on' : 'off')

const GROUPS: readonly {
  title: string
  settings: readonly (readonly [name: string, show: Show, meaning: string])[]
}[] = [
  {
    title: 'Where things are',
    settings: [
      [
        'SLUICE_PUBLIC_URL',
        (env) => env.SLUICE_PUBLIC_URL,
        'The address people use; pages and calls from other sites are refused.',
      ],
      [
        'SLUICE_ENGINE_PUBLIC_URL',
        (env) => env.SLUICE_ENGINE_PUBLIC_URL ?? 'where an engine listens',
        'How links to files of published origins begin.',
      ],
      ['SLUICE_HOST', (env) => env.SLUICE_HOST, 'The address that web and engine listen on.'],
      ['PORT', (env) => String(env.PORT), 'The port of this dashboard.'],
      ['ENGINE_PORT', (env) => String(env.ENGINE_PORT), 'The port of an engine: health and metrics.'],
      ['SLUICE_DATA_DIR', (env) => env.dataDir, 'Everything that is kept on disk.'],
      [
        'DATABASE_URL',
        (env) => databaseName(env.DATABASE_URL),
        'Postgres; without it the embedded one in the data folder.',
      ],
      ['SLUICE_EMBEDDED_S3_PORT', (env) => String(env.SLUICE_EMBEDDED_S3_PORT), 'The embedded object store.'],
    ],
  },
  {
    title: 'Access',
    settings: [
      [
        'SLUICE_SECRET_KEY',
        (env) => (env.SLUICE_SECRET_KEY ? 'hidden' : 'of the data folder'),
        'Seals credentials in the database.',
      ],
      [
        'SLUICE_ADMIN_TOKEN',
        (env) => (env.SLUICE_ADMIN_TOKEN ? 'hidden' : 'none'),
        'An API token with all rights, for automation.',
      ],
      [
        'SLUICE_ALLOWED_PRIVATE_NETWORKS',
        (env) => env.SLUICE_ALLOWED_PRIVATE_NETWORKS.join(', ') || 'none',
        'Private networks that sources and buckets may be in.',
      ],
    ],
  },
  {
    title: 'How transfers run',
    settings: [
      ['SLUICE_PROFILE', (env) => env.SLUICE_PROFILE, 'Balanced, high-throughput or low-memory; sets what follows.'],
      ['SLUICE_MEMORY_BUDGET', (env) => formatBytes(env.memoryBudgetBytes), 'Bytes an engine may hold in flight.'],
      ['SLUICE_SLICE_SIZE', (env) => formatBytes(env.sliceSizeBytes), 'The unit in which sources are read.'],
      [
        'SLUICE_READ_LANES',
        (env) => String(env.SLUICE_READ_LANES ?? 'auto'),
        'Connections to a source: auto finds out, a number fixes it.',
      ],
      ['MAX_CONCURRENT_UPLOADS', (env) => String(env.MAX_CONCURRENT_UPLOADS), 'Upload lanes of a transfer.'],
      [
        'SLUICE_BANDWIDTH_LIMIT',
        (env) => (env.SLUICE_BANDWIDTH_LIMIT === undefined ? 'none' : `${formatBytes(env.SLUICE_BANDWIDTH_LIMIT)}/s`),
        'What one engine may read in a second; the engines page sets another while it runs.',
      ],
      ['SLUICE_PART_SIZING', (env) => env.SLUICE_PART_SIZING, 'How the size of parts is chosen: auto or table.'],
      [
        'BUFFER_HIGH_WATER_MARK',
        (env) => parts(env.BUFFER_HIGH_WATER_MARK),
        'Reading pauses while so much waits for the bucket.',
      ],
      [
        'BUFFER_LOW_WATER_MARK',
        (env) => parts(env.BUFFER_LOW_WATER_MARK),
        'Reading goes on once no more than this waits.',
      ],
      [
        'SLUICE_HTTP_CLIENT',
        (env) => env.SLUICE_HTTP_CLIENT,
        'What carries the bytes: lean (our own HTTP/1.1) or undici.',
      ],
      [
        'SLUICE_CONNECT_TIMEOUT_MS',
        ms((env) => env.SLUICE_CONNECT_TIMEOUT_MS),
        'How long a connection may take to open.',
      ],
      ['SLUICE_IDLE_TIMEOUT_MS', ms((env) => env.SLUICE_IDLE_TIMEOUT_MS), 'How long a connection may be silent.'],
      [
        'SLUICE_LEASE_MS',
        ms((env) => env.SLUICE_LEASE_MS),
        'After so long an engine that is gone loses its work to others.',
      ],
      [
        'SLUICE_FAILED_UPLOAD_KEEP_HOURS',
        (env) => `${env.SLUICE_FAILED_UPLOAD_KEEP_HOURS} h`,
        'How long the parts of a failed transfer are kept for a retry.',
      ],
    ],
  },
  {
    title: 'The slice cache',
    settings: [
      ['SLUICE_CACHE_MEMORY', (env) => formatBytes(env.cacheMemoryBytes), 'Slices each engine keeps in memory.'],
      [
        'SLUICE_CACHE_DISK',
        (env) => (env.SLUICE_CACHE_DISK === undefined ? 'off' : formatBytes(env.SLUICE_CACHE_DISK)),
        'Slices each engine keeps on disk.',
      ],
      [
        'SLUICE_REDIS_URL',
        (env) => (env.SLUICE_REDIS_URL ? 'set' : 'none'),
        'A Redis or Valkey in which engines share slices.',
      ],
      ['SLUICE_CACHE_TTL_SECONDS', ms((env) => env.cacheTtlMs), 'How long a slice is kept at most.'],
      [
        'SLUICE_CACHE_WRITE_QUEUE',
        (env) => String(env.SLUICE_CACHE_WRITE_QUEUE),
        'Slices that may wait to be written to disk or Redis.',
      ],
      [
        'SLUICE_CACHE_COMPRESSION',
        (env) => env.SLUICE_CACHE_COMPRESSION,
        'How slices are kept on disk and in Redis, where that pays.',
      ],
    ],
  },
  {
    title: 'Readers of published origins',
    settings: [
      [
        'SLUICE_PREFETCH_SLICES',
        (env) => String(env.SLUICE_PREFETCH_SLICES),
        'Slices fetched ahead of a reader to begin with.',
      ],
      ['SLUICE_FILE_REQUESTS', (env) => String(env.spansPerFile), 'Requests for one file at once.'],
      ['SLUICE_SLICE_RETRIES', (env) => String(env.sliceRetries), 'Tries after the first for a slice that fails.'],
      [
        'SLUICE_MAX_ORIGIN_REQUESTS',
        (env) => String(env.SLUICE_MAX_ORIGIN_REQUESTS),
        'Requests an engine has under way to all published origins.',
      ],
      [
        'SLUICE_ORIGIN_QUEUE',
        (env) => String(env.SLUICE_ORIGIN_QUEUE),
        'Fetches that may wait for one of those; beyond it readers are told to come again.',
      ],
      [
        'SLUICE_BREAKER_FAILURES',
        (env) => String(env.SLUICE_BREAKER_FAILURES),
        'Failures in a row after which an origin is given a rest.',
      ],
      ['SLUICE_BREAKER_OPEN_MS', ms((env) => env.SLUICE_BREAKER_OPEN_MS), 'How long that rest is.'],
      ['SLUICE_FEATURE_COALESCING', onOff((env) => env.SLUICE_FEATURE_COALESCING), 'One fetch for a slice many want.'],
      ['SLUICE_FEATURE_BREAKER', onOff((env) => env.SLUICE_FEATURE_BREAKER), 'A rest for origins that fail.'],
      ['SLUICE_FEATURE_PRIORITIES', onOff((env) => env.SLUICE_FEATURE_PRIORITIES), 'Short reads before long ones.'],
      [
        'SLUICE_FEATURE_PARALLEL_SLICES',
        onOff((env) => env.SLUICE_FEATURE_PARALLEL_SLICES),
        'Several requests for one file at once, and fetching ahead.',
      ],
    ],
  },
  {
    title: 'Watching',
    settings: [
      ['SLUICE_LOG_LEVEL', (env) => env.SLUICE_LOG_LEVEL, 'How much is logged.'],
      ['SLUICE_METRICS', onOff((env) => env.SLUICE_METRICS), 'Prometheus metrics at /metrics of each engine.'],
      [
        'SLUICE_METRICS_ADDRESS',
        (env) => env.SLUICE_METRICS_ADDRESS ?? 'the port of the engine',
        'An address of their own for the metrics.',
      ],
    ],
  },
]

/**
 * The settings of this process as people may see them, without secrets. `given` is the environment they were read from: what follows
 * from another setting was not set, whatever it is; nor is what was given as it is without.
 */
export function settingGroups(given: Readonly<Record<string, string | undefined>>): SettingGroup[] {
  const env = readEnv(given)
  const defaults = readEnv({})
  return GROUPS.map(({ title, settings }) => ({
    title,
    settings: settings.map(([name, show, meaning]) => {
      const value = show(env)
      return { name, value, meaning, isDefault: !given[name] || value === show(defaults) }
    }),
  }))
}

/** Host and database of a connection string; user and password stay out. */
function databaseName(url: string | undefined): string {
  if (!url) return 'embedded'
  const parsed = URL.parse(url)
  return parsed ? `${parsed.host}${parsed.pathname}` : 'set'
}

function parts(count: number): string {
  return count === 1 ? '1 part' : `${count} parts`
}
