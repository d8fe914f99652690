import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { GIB, MIB, parseBytes } from '../domain/bytes.ts'

/** Slice size, span width, requests for one file at once, retries and cache by profile (product.md C5), and the bytes an engine may hold in flight. */
export const PROFILES = {
  'high-throughput': {
    sliceSizeBytes: 2 * MIB,
    spanSlices: 8,
    spansPerFile: 8,
    sliceRetries: 2,
    cacheTtlSeconds: 7200,
    memoryBudgetBytes: 512 * MIB,
    cacheMemoryBytes: 512 * MIB,
  },
  balanced: {
    sliceSizeBytes: MIB,
    spanSlices: 8,
    spansPerFile: 4,
    sliceRetries: 3,
    cacheTtlSeconds: 3600,
    memoryBudgetBytes: 256 * MIB,
    cacheMemoryBytes: 256 * MIB,
  },
  'low-memory': {
    sliceSizeBytes: MIB / 2,
    spanSlices: 8,
    spansPerFile: 4,
    sliceRetries: 3,
    cacheTtlSeconds: 1800,
    memoryBudgetBytes: 24 * MIB,
    cacheMemoryBytes: 32 * MIB,
  },
} as const
/** What an engine takes beside its budget: Node, code, sockets. */
const ENGINE_BASE_BYTES = 128 * MIB

/** A setting that cannot be used. Its message names the variable, what is wrong and what to write; it is shown without a stack. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const port = (name: string, fallback: number) =>
  z.coerce
    .number({ error: `${name} is a port number, such as ${fallback}.` })
    .int(`${name} is a whole number, such as ${fallback}.`)
    .min(1, `${name} is a port from 1 to 65535.`)
    .max(65_535, `${name} is a port from 1 to 65535.`)
    .optional()

const count = (name: string, fallback: number, min: number, max: number) =>
  z.coerce
    .number({ error: `${name} is a whole number from ${min} to ${max}; the default is ${fallback}.` })
    .int(`${name} is a whole number from ${min} to ${max}; the default is ${fallback}.`)
    .min(min, `${name} is at least ${min}; the default is ${fallback}.`)
    .max(max, `${name} is at most ${max}; the default is ${fallback}.`)
    .default(fallback)

/** The same where the profile's value counts unless it is set. */
const optionalCount = (name: string, min: number, max: number) => {
  const sentence = `${name} is a whole number from ${min} to ${max}; unset, the profile's counts.`
  return z.coerce.number({ error: sentence }).int(sentence).min(min, sentence).max(max, sentence).optional()
}

const bytes = (name: string, example: string, minBytes: number) =>
  z
    .string()
    .transform((text, context) => {
      const value = parseBytes(text)
      if (value === null || value < minBytes) {
        context.addIssue({
          code: 'custom',
          message: `${name} is a size of at least ${minBytes / MIB} MiB, such as ${example}.`,
        })
        return z.NEVER
      }
      return value
    })
    .optional()

/** A size, or `off`, which is the same as not setting it. */
const bytesOrOff = (name: string, example: string, minBytes: number) =>
  z.preprocess((value) => (value === 'off' ? undefined : value), bytes(name, example, minBytes))

const onOff = (name: string) =>
  z
    .enum(['on', 'off'], { error: `${name} is on or off.` })
    .default('on')
    .transform((value) => value === 'on')

const cidrs = z
  .string()
  .default('')
  .transform((text, context) => {
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
    for (const entry of entries) {
      const [address, length, extra] = entry.split('/')
      const family = isIP(address ?? '')
      const bits = Number(length)
      if (family === 0 || extra !== undefined || !/^\d{1,3}$/.test(length ?? '') || bits > (family === 4 ? 32 : 128))
        context.addIssue({
          code: 'custom',
          message: `SLUICE_ALLOWED_PRIVATE_NETWORKS has "${entry}", which is no network. Write comma-separated CIDRs such as 10.0.0.0/8,127.0.0.0/8.`,
        })
    }
    return entries
  })

const MAX_TTL_SECONDS = 30 * 24 * 3600
const TTL_SENTENCE = `SLUICE_CACHE_TTL_SECONDS is a whole number of seconds from 1 to ${MAX_TTL_SECONDS}; unset, the profile's counts.`

const envSchema = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'DATABASE_URL begins with postgresql://; leave it out for the embedded database.')
    .optional(),
  PORT: port('PORT', 3000),
  ENGINE_PORT: port('ENGINE_PORT', 3001),
  SLUICE_HOST: z.string().default('127.0.0.1'),
  SLUICE_DATA_DIR: z.string().default('./data'),
  SLUICE_SECRET_KEY: z
    .string()
    .min(32, 'SLUICE_SECRET_KEY has at least 32 characters; make one with: openssl rand -hex 32')
    .optional(),
  SLUICE_PUBLIC_URL: z
    .string()
    .regex(
      /^https?:\/\/[^\s/?#]+\/?$/,
      'SLUICE_PUBLIC_URL is the address people use, such as https://sluice.example.org.',
    )
    .optional(),
  SLUICE_ENGINE_PUBLIC_URL: z
    .string()
    .transform((text, context) => {
      const url = /^https?:\/\/[^?#@]+$/.test(text) ? URL.parse(text) : null
      const address = url && `${url.origin}${url.pathname}`.replace(/\/+$/, '')
      if (address && !address.endsWith('/o')) return address
      const message =
        'SLUICE_ENGINE_PUBLIC_URL is the address at which readers reach the engines, without /o, such as https://files.example.org.'
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .optional(),
  SLUICE_ADMIN_TOKEN: z
    .string()
    .min(24, 'SLUICE_ADMIN_TOKEN has at least 24 characters; make one with: openssl rand -hex 24')
    .optional(),
  SLUICE_ALLOWED_PRIVATE_NETWORKS: cidrs,
  SLUICE_PROFILE: z
    .enum(['balanced', 'high-throughput', 'low-memory'], {
      error: 'SLUICE_PROFILE is balanced, high-throughput or low-memory.',
    })
    .default('balanced'),
  SLUICE_MEMORY_BUDGET: bytes('SLUICE_MEMORY_BUDGET', '128MiB', 16 * MIB),
  SLUICE_CACHE_MEMORY: bytes('SLUICE_CACHE_MEMORY', '256MiB', MIB),
  SLUICE_CACHE_DISK: bytesOrOff('SLUICE_CACHE_DISK', '20GiB', 16 * MIB),
  SLUICE_CACHE_TTL_SECONDS: z.coerce
    .number({ error: TTL_SENTENCE })
    .int(TTL_SENTENCE)
    .min(1, TTL_SENTENCE)
    .max(MAX_TTL_SECONDS, TTL_SENTENCE)
    .optional(),
  SLUICE_CACHE_WRITE_QUEUE: count('SLUICE_CACHE_WRITE_QUEUE', 5, 1, 1_000),
  SLUICE_CACHE_COMPRESSION: z
    .enum(['off', 'zstd', 'brotli', 'gzip'], { error: 'SLUICE_CACHE_COMPRESSION is off, zstd, brotli or gzip.' })
    .default('off'),
  SLUICE_REDIS_URL: z
    .string()
    .regex(
      /^rediss?:\/\/[^\s]+$/,
      'SLUICE_REDIS_URL is the address of a Redis or Valkey, such as redis://cache.internal:6379.',
    )
    .refine(
      (url) => URL.canParse(url),
      'SLUICE_REDIS_URL cannot be read as an address. Write special characters of a password as %XX.',
    )
    .optional(),
  SLUICE_EMBEDDED_S3_PORT: port('SLUICE_EMBEDDED_S3_PORT', 9000),
  SLUICE_EMBEDDED_S3_ACCESS_KEY: z
    .string()
    .min(3, 'SLUICE_EMBEDDED_S3_ACCESS_KEY has at least 3 characters.')
    .optional(),
  SLUICE_EMBEDDED_S3_SECRET_KEY: z
    .string()
    .min(8, 'SLUICE_EMBEDDED_S3_SECRET_KEY has at least 8 characters.')
    .optional(),
  MAX_CONCURRENT_UPLOADS: count('MAX_CONCURRENT_UPLOADS', 10, 1, 20),
  SLUICE_READ_LANES: z
    .string()
    .regex(/^(auto|[1-9]|[1-5]\d|6[0-4])$/, 'SLUICE_READ_LANES is auto, or a fixed number from 1 to 64.')
    .transform((text) => (text === 'auto' ? null : Number(text)))
    .default(null),
  SLUICE_BANDWIDTH_LIMIT: z
    .string()
    .transform((text, context) => {
      const value = parseBytes(text.replace(/\/s\s*$/, ''))
      if (value !== null && value >= 1024) return value
      const message = 'SLUICE_BANDWIDTH_LIMIT is what an engine may read in a second, at least 1KiB, such as 50MiB.'
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .optional(),
  SLUICE_PART_SIZING: z.enum(['auto', 'table'], { error: 'SLUICE_PART_SIZING is auto or table.' }).default('auto'),
  BUFFER_HIGH_WATER_MARK: count('BUFFER_HIGH_WATER_MARK', 3, 1, 100),
  BUFFER_LOW_WATER_MARK: count('BUFFER_LOW_WATER_MARK', 1, 1, 100),
  SLUICE_HTTP_CLIENT: z.enum(['lean', 'undici'], { error: 'SLUICE_HTTP_CLIENT is lean or undici.' }).default('lean'),
  SLUICE_CONNECT_TIMEOUT_MS: count('SLUICE_CONNECT_TIMEOUT_MS', 10_000, 100, 600_000),
  SLUICE_IDLE_TIMEOUT_MS: count('SLUICE_IDLE_TIMEOUT_MS', 30_000, 100, 3_600_000),
  SLUICE_LEASE_MS: count('SLUICE_LEASE_MS', 30_000, 1_000, 600_000),
  SLUICE_SLICE_SIZE: bytes('SLUICE_SLICE_SIZE', '1MiB', MIB / 2),
  SLUICE_FILE_REQUESTS: optionalCount('SLUICE_FILE_REQUESTS', 1, 64),
  SLUICE_SLICE_RETRIES: optionalCount('SLUICE_SLICE_RETRIES', 0, 10),
  SLUICE_PREFETCH_SLICES: count('SLUICE_PREFETCH_SLICES', 3, 0, 64),
  SLUICE_MAX_ORIGIN_REQUESTS: count('SLUICE_MAX_ORIGIN_REQUESTS', 100, 1, 10_000),
  SLUICE_ORIGIN_QUEUE: count('SLUICE_ORIGIN_QUEUE', 1_000, 1, 1_000_000),
  SLUICE_BREAKER_FAILURES: count('SLUICE_BREAKER_FAILURES', 5, 1, 1_000),
  SLUICE_BREAKER_OPEN_MS: count('SLUICE_BREAKER_OPEN_MS', 60_000, 100, 3_600_000),
  SLUICE_FEATURE_COALESCING: onOff('SLUICE_FEATURE_COALESCING'),
  SLUICE_FEATURE_BREAKER: onOff('SLUICE_FEATURE_BREAKER'),
  SLUICE_FEATURE_PRIORITIES: onOff('SLUICE_FEATURE_PRIORITIES'),
  SLUICE_FEATURE_PARALLEL_SLICES: onOff('SLUICE_FEATURE_PARALLEL_SLICES'),
  SLUICE_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
      error: 'SLUICE_LOG_LEVEL is trace, debug, info, warn, error or silent.',
    })
    .default('info'),
  SLUICE_METRICS: onOff('SLUICE_METRICS'),
  SLUICE_METRICS_ADDRESS: z
    .string()
    .regex(/^[^\s/]+:\d{1,5}$/, 'SLUICE_METRICS_ADDRESS is a host and a port, such as 127.0.0.1:9464.')
    .optional(),
  SLUICE_FAILED_UPLOAD_KEEP_HOURS: count('SLUICE_FAILED_UPLOAD_KEEP_HOURS', 24, 1, 24 * 365),
})

/** Every setting of a process, checked and frozen. Sizes are bytes, times milliseconds unless the name says otherwise. */
export type Env = Readonly<ReturnType<typeof readEnv>>

/**
 * Reads and checks the environment: the only place that does. Throws ConfigError with one sentence per bad setting.
 * Empty variables count as not set, because compose files and shells make them so. `memoryLimitBytes` is what the container
 * or cgroup allows; 0 for no limit.
 */
export function readEnv(
  source: Record<string, string | undefined> = process.env,
  memoryLimitBytes: number = process.constrainedMemory(),
) {
  const filled = Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const parsed = envSchema.safeParse(filled)
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => issue.message).join('\n'))
  const env = parsed.data
  if (env.BUFFER_LOW_WATER_MARK > env.BUFFER_HIGH_WATER_MARK)
    throw new ConfigError(
      'BUFFER_LOW_WATER_MARK is above BUFFER_HIGH_WATER_MARK; reading would never resume. Lower it.',
    )
  if (!isLoopback(env.SLUICE_HOST))
    throw new ConfigError(
      `SLUICE_HOST is ${env.SLUICE_HOST}, which other machines can reach, and there is no sign-in yet. Use 127.0.0.1 and, for access from elsewhere, an SSH tunnel.`,
    )
  const metricsListener = readListener(env.SLUICE_METRICS_ADDRESS)
  if (metricsListener && !isLoopback(metricsListener.host))
    throw new ConfigError(
      `SLUICE_METRICS_ADDRESS is ${env.SLUICE_METRICS_ADDRESS}, which other machines can reach, and there is no sign-in yet. Use a loopback address such as 127.0.0.1:9464.`,
    )
  const profile = PROFILES[env.SLUICE_PROFILE]
  const memoryBudgetBytes = env.SLUICE_MEMORY_BUDGET ?? Math.min(profile.memoryBudgetBytes, roomIn(memoryLimitBytes))
  if (memoryBudgetBytes > 64 * GIB) throw new ConfigError('SLUICE_MEMORY_BUDGET is above 64 GiB. Use a smaller size.')
  const sliceSizeBytes = env.SLUICE_SLICE_SIZE ?? profile.sliceSizeBytes
  if ((2 * MIB) % sliceSizeBytes !== 0)
    throw new ConfigError('SLUICE_SLICE_SIZE is 512KiB, 1MiB or 2MiB, so that parts are whole slices.')
  const webPort = env.PORT ?? 3000
  return Object.freeze({
    ...env,
    PORT: webPort,
    ENGINE_PORT: env.ENGINE_PORT ?? 3001,
    /** False where an engine may fall back to a free port because nobody chose one. */
    enginePortIsSet: env.ENGINE_PORT !== undefined,
    SLUICE_EMBEDDED_S3_PORT: env.SLUICE_EMBEDDED_S3_PORT ?? 9000,
    SLUICE_PUBLIC_URL: (env.SLUICE_PUBLIC_URL ?? `http://localhost:${webPort}`).replace(/\/$/, ''),
    dataDir: resolve(env.SLUICE_DATA_DIR),
    profile,
    /** Where metrics are served instead of the engine's own port; null for there. */
    metricsListener,
    memoryBudgetBytes,
    sliceSizeBytes,
    /** Requests at once for one file of a published origin, and tries after the first for a slice. */
    spansPerFile: env.SLUICE_FILE_REQUESTS ?? profile.spansPerFile,
    sliceRetries: env.SLUICE_SLICE_RETRIES ?? profile.sliceRetries,
    cacheMemoryBytes: env.SLUICE_CACHE_MEMORY ?? Math.min(profile.cacheMemoryBytes, roomIn(memoryLimitBytes) / 2),
    cacheTtlMs: (env.SLUICE_CACHE_TTL_SECONDS ?? profile.cacheTtlSeconds) * 1000,
  })
}

/** What an engine may hold in flight under a limit of memory: half of what its own needs leave. */
function roomIn(memoryLimitBytes: number): number {
  if (!(memoryLimitBytes > 0)) return Number.POSITIVE_INFINITY
  return Math.max(16 * MIB, Math.floor((memoryLimitBytes - ENGINE_BASE_BYTES) / 2 / MIB) * MIB)
}

function readListener(address: string | undefined): { host: string; port: number } | null {
  if (address === undefined) return null
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

/** 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))
}
