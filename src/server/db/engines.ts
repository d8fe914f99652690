import { ENGINE_SILENT_AFTER_MS, type EngineView, engineStatsSchema, type SystemHealth } from '../domain/engine.ts'
import type { DbOrTx } from './client.ts'
import { movedSince } from './samples.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Steps of the overview's curve: fine while all that moved is recent, so that a first transfer is a curve and not a needle. */
const CURVES = [
  { spanMs: 5 * MINUTE_MS, stepMs: 2_000 },
  { spanMs: 15 * MINUTE_MS, stepMs: 10_000 },
  { spanMs: HOUR_MS, stepMs: 30_000 },
] as const
const SHORTEST_CURVE_MS = MINUTE_MS
/** Engines write what a second moved within the next one. */
const SAMPLES_LATE_MS = 1_500
/** Engines that are gone longer than this are not shown. */
const FORGET_AFTER_MS = 24 * HOUR_MS

/** Engines seen within a day, the healthy first. Health is judged by the database's clock. */
export async function listEngines(db: DbOrTx): Promise<EngineView[]> {
  const [rows, settings, nowMs] = await Promise.all([
    db.engine.findMany({
      orderBy: { startedAt: 'desc' },
      take: 200,
      select: {
        id: true,
        name: true,
        version: true,
        pid: true,
        url: true,
        startedAt: true,
        heartbeatAt: true,
        stoppedAt: true,
        stats: true,
      },
    }),
    db.engineSetting.findMany(),
    databaseNowMs(db),
  ])
  const wanted = new Map(settings.map((setting) => [setting.name, setting.bandwidthLimitBytesPerSecond]))
  const order = { healthy: 0, silent: 1, stopped: 2 }
  return rows
    .filter((row) => nowMs - row.heartbeatAt.getTime() < FORGET_AFTER_MS)
    .map(({ stoppedAt, stats, ...row }): EngineView => {
      const silent = nowMs - row.heartbeatAt.getTime() > ENGINE_SILENT_AFTER_MS
      const seen = engineStatsSchema.safeParse(stats).data ?? null
      const limit = wanted.get(row.name)
      return {
        ...row,
        state: stoppedAt ? 'stopped' : silent ? 'silent' : 'healthy',
        stats: seen,
        bandwidthLimitBytesPerSecond:
          limit === undefined ? (seen?.bandwidthLimitBytesPerSecond ?? null) : limit === null ? null : Number(limit),
      }
    })
    .sort((a, b) => order[a.state] - order[b.state])
}

/** True where at least one engine beats. */
export async function hasHealthyEngine(db: DbOrTx): Promise<boolean> {
  const [row] = await db.$queryRaw<{ healthy: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM "Engine" WHERE "stoppedAt" IS NULL
      AND "heartbeatAt" > now() - ${ENGINE_SILENT_AFTER_MS}::int * interval '1 millisecond') AS healthy`
  return row?.healthy ?? false
}

/** What moved lately: the sums over samples, which cost the most of the overview. */
export type RecentThroughput = Pick<SystemHealth, 'movedTodayBytes' | 'lastHour' | 'lastHourStepMs'>

/** Bytes that moved today (UTC), and since the first movement of the last hour, by step, of all transfers there are. */
export async function recentThroughput(db: DbOrTx): Promise<RecentThroughput> {
  const nowMs = Date.now()
  const [[today], [first]] = await Promise.all([
    db.$queryRaw<{ bytes: bigint | null }[]>`
      SELECT sum("bucketBytes")::bigint AS bytes FROM "Sample" WHERE at >= ${midnightUtc(nowMs)}`,
    db.$queryRaw<{ at: Date | null }[]>`
      SELECT min(at) AS at FROM "Sample" WHERE at >= ${new Date(nowMs - HOUR_MS)}`,
  ])
  const spanMs = Math.max(nowMs - (first?.at?.getTime() ?? 0), SHORTEST_CURVE_MS)
  const { stepMs, ...curve } = CURVES.find((candidate) => spanMs <= candidate.spanMs) ?? CURVES[2]
  const firstMs = Math.ceil((nowMs - Math.min(spanMs + 2 * stepMs, curve.spanMs)) / stepMs) * stepMs
  const rows = await movedSince(db, new Date(firstMs), stepMs)
  return {
    movedTodayBytes: Number(today?.bytes ?? 0),
    lastHour: fillSteps(rows, { firstMs, stepMs, nowMs }),
    lastHourStepMs: stepMs,
  }
}

/** The figures of the overview. `version` is that of the web process; `throughput` may be some seconds old. */
export async function systemHealth(
  db: DbOrTx,
  version: string,
  throughput: Promise<RecentThroughput>,
): Promise<SystemHealth> {
  const [engines, groups, ended, recent] = await Promise.all([
    listEngines(db),
    db.transfer.groupBy({ by: ['status'], _count: { _all: true } }),
    db.transfer.groupBy({
      by: ['status'],
      where: { finishedAt: { gte: midnightUtc(Date.now()) }, status: { in: ['completed', 'failed'] } },
      _count: { _all: true },
    }),
    throughput,
  ])
  const byStatus = new Map(groups.map((group) => [group.status, group._count._all]))
  const endedCount = ended.reduce((total, group) => total + group._count._all, 0)
  const completed = ended.find((group) => group.status === 'completed')?._count._all ?? 0
  const healthy = engines.filter((engine) => engine.state === 'healthy')
  const silent = engines.filter((engine) => engine.state === 'silent')
  return {
    ...judge(healthy.length, silent.length),
    version,
    enginesHealthy: healthy.length,
    enginesTotal: healthy.length + silent.length,
    running: (byStatus.get('running') ?? 0) + (byStatus.get('verifying') ?? 0),
    queued: byStatus.get('queued') ?? 0,
    failed: byStatus.get('failed') ?? 0,
    bytesPerSecond: healthy.reduce((total, engine) => total + (engine.stats?.bucketBytesPerSecond ?? 0), 0),
    successRateToday: endedCount === 0 ? null : completed / endedCount,
    ...recent,
  }
}

function judge(healthy: number, silent: number): Pick<SystemHealth, 'state' | 'message'> {
  const engines = (n: number) => `${n} engine${n === 1 ? '' : 's'}`
  if (healthy === 0)
    return {
      state: 'down',
      message:
        silent > 0
          ? `${engines(silent)} stopped answering, so nothing moves. Look at the engine's log and start it again.`
          : 'No engine is running, so nothing moves. Start one with `npm run engine`, or everything with `npm start`.',
    }
  if (silent > 0)
    return {
      state: 'degraded',
      message: `${engines(healthy)} working; ${engines(silent)} stopped answering. Its parts are taken over by the others.`,
    }
  return { state: 'ok', message: `${engines(healthy)} working.` }
}

/**
 * Every step has a point, so that a quiet minute shows as zero and not as a line across it. A short step is left out until all
 * of it is written; a long one counts while it fills.
 */
function fillSteps(
  rows: SystemHealth['lastHour'],
  { firstMs, stepMs, nowMs }: { firstMs: number; stepMs: number; nowMs: number },
): SystemHealth['lastHour'] {
  const byStep = new Map(rows.map((row) => [row.at.getTime(), row]))
  const lastMs = stepMs < 30_000 ? nowMs - stepMs - SAMPLES_LATE_MS : nowMs
  const steps: SystemHealth['lastHour'] = []
  for (let ms = firstMs; ms <= lastMs; ms += stepMs)
    steps.push(byStep.get(ms) ?? { at: new Date(ms), bucketBytes: 0, sourceBytes: 0 })
  return steps
}

function midnightUtc(nowMs: number): Date {
  return new Date(new Date(nowMs).setUTCHours(0, 0, 0, 0))
}

async function databaseNowMs(db: DbOrTx): Promise<number> {
  const [row] = await db.$queryRaw<{ now: Date }[]>`SELECT now() AS now`
  return row?.now.getTime() ?? Date.now()
}
