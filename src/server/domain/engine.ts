import { z } from 'zod'
import { cacheStatsSchema } from './cache.ts'
import { originStatsSchema, unservedOriginSchema } from './published-origin.ts'

/** Figures an engine writes with each heartbeat. */
export const engineStatsSchema = z.object({
  sourceBytesPerSecond: z.number(),
  bucketBytesPerSecond: z.number(),
  transfers: z.number(),
  readLanes: z.number(),
  uploadLanes: z.number(),
  bufferedBytes: z.number(),
  memoryBudgetBytes: z.number(),
  rssBytes: z.number(),
  cpuPercent: z.number(),
  /** What it may read for transfers, null without a limit; absent from engines of an older version. */
  bandwidthLimitBytesPerSecond: z.number().nullable().optional(),
  /** Absent from engines of an older version. */
  cache: cacheStatsSchema.optional(),
  /** Of the published origins this engine has served. */
  origins: z.array(originStatsSchema).optional(),
  /** Those it cannot serve. Absent from engines of an older version. */
  unservedOrigins: z.array(unservedOriginSchema).optional(),
})
export type EngineStats = z.infer<typeof engineStatsSchema>

/** One engine process as the API shows it. */
export interface EngineView {
  id: string
  name: string
  version: string
  pid: number
  url: string
  startedAt: Date
  heartbeatAt: Date
  /** healthy: beats; silent: its heartbeat is overdue; stopped: it said goodbye. */
  state: 'healthy' | 'silent' | 'stopped'
  stats: EngineStats | null
  /** What it may read for transfers in a second; null without a limit. What was asked for shows at once. */
  bandwidthLimitBytesPerSecond: number | null
}

/** `system.health`: what the live pill and the overview show. */
export interface SystemHealth {
  /** ok: an engine is healthy; degraded: some are silent; down: none is healthy. */
  state: 'ok' | 'degraded' | 'down'
  message: string
  version: string
  enginesHealthy: number
  enginesTotal: number
  running: number
  queued: number
  failed: number
  bytesPerSecond: number
  /** Bytes that reached a bucket since midnight UTC, and of transfers that ended since then the share that completed. */
  movedTodayBytes: number
  successRateToday: number | null
  /** Bytes that reached any bucket since the first movement of the last hour, by step: 2 s, 10 s or 30 s by how long that is. */
  lastHour: { at: Date; bucketBytes: number; sourceBytes: number }[]
  lastHourStepMs: number
}

/** A heartbeat older than this makes an engine silent. */
export const ENGINE_SILENT_AFTER_MS = 15_000
