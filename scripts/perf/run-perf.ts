import { cpus, release, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { z } from 'zod'
import type { BucketView } from '../../src/server/domain/bucket.ts'
import type { EngineView, SystemHealth } from '../../src/server/domain/engine.ts'
import { type PerfRun, type PerfTransfer, perfRunSchema } from '../../src/server/domain/perf-run.ts'
import type { TransferReport } from '../../src/server/domain/report.ts'
import type { TransferView } from '../../src/server/domain/transfer.ts'
import type { transferInputSchema } from '../../src/server/domain/transfer-input.ts'
import { ArgumentError } from '../runner/command-words.ts'
import type { PerfArguments } from './arguments.ts'

/** What a test asks of a running Sluice: a client of its API has all of it. */
export interface PerfApi {
  buckets(): Promise<readonly BucketView[]>
  engines(): Promise<readonly EngineView[]>
  health(): Promise<SystemHealth>
  create(input: z.input<typeof transferInputSchema>): Promise<{ id: string }>
  byId(id: string): Promise<TransferView>
  report(id: string): Promise<TransferReport>
  cancel(id: string): Promise<unknown>
}

export interface PerfOptions extends Pick<PerfArguments, 'urls' | 'bucketName' | 'runs' | 'lanes' | 'partSizeBytes'> {
  /** Called when a transfer has ended. */
  readonly onTransfer?: (transfer: PerfTransfer) => void
  readonly pollMs?: number
  /** Cancels the transfer under way and ends the test; what was measured before is returned. */
  readonly signal: AbortSignal
}

const POLL_MS = 500

/**
 * Moves each file `runs` times into the bucket, one transfer at a time, round by round, so that a slow minute hits all files alike.
 * A transfer that fails is part of the result. Throws ArgumentError where there is no such bucket or no engine.
 */
export async function runPerf(api: PerfApi, options: PerfOptions): Promise<{ run: PerfRun; bucket: BucketView }> {
  const { urls, bucketName, runs, lanes, partSizeBytes, signal, onTransfer } = options
  const buckets = await api.buckets()
  const bucket = buckets.find(({ name }) => name === bucketName)
  if (!bucket) {
    const names = buckets.map(({ name }) => name).join(', ') || 'none yet'
    throw new ArgumentError(`There is no bucket "${bucketName}". Choose one with --bucket; there are: ${names}.`)
  }
  const engines = (await api.engines()).filter(({ state }) => state === 'healthy')
  if (engines.length === 0) throw new ArgumentError('No engine is running. Start one with `npm run engine`.')
  const { version } = await api.health()
  const startedAt = new Date()
  const stamp = startedAt.toISOString().replace(/[-:]|\.\d+/g, '')
  const transfers: PerfTransfer[] = []
  for (let run = 1; run <= runs && !signal.aborted; run++)
    for (const [index, sourceUrl] of urls.entries()) {
      if (signal.aborted) break
      const key = `${bucket.prefix}sluice-perf/${stamp}/${run}/${index + 1}.bin`
      const { id } = await api.create({
        sourceUrl,
        bucketId: bucket.id,
        key,
        ifExists: 'overwrite',
        ...(lanes !== null && { lanes }),
        ...(partSizeBytes !== null && { partSizeBytes }),
      })
      if (!(await ended(api, id, options.pollMs ?? POLL_MS, signal))) break
      const transfer = transferOf(await api.report(id), run)
      transfers.push(transfer)
      onTransfer?.(transfer)
    }
  const run: PerfRun = {
    kind: 'sluice-perf',
    format: 1,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      kernel: `${process.platform} ${release()}`,
    },
    sluice: { version, engines: engines.map(({ name, version }) => ({ name, version })) },
    settings: { bucketName, runs, lanes, partSizeBytes },
    transfers,
  }
  return { run: perfRunSchema.parse(run), bucket }
}

/** Waits for a transfer. False where the test was stopped; the transfer is cancelled then. */
async function ended(api: PerfApi, id: string, pollMs: number, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const { status } = await api.byId(id)
    if (status === 'completed' || status === 'failed' || status === 'cancelled') return true
    try {
      await delay(pollMs, undefined, { signal })
    } catch {
      await api.cancel(id)
      return false
    }
  }
}

function transferOf({ transfer, figures, samples, stepMs }: TransferReport, run: number): PerfTransfer {
  const startMs = transfer.startedAt?.getTime() ?? samples[0]?.at.getTime() ?? 0
  return {
    transferId: transfer.id,
    name: decodeURIComponentSafely(new URL(transfer.sourceUrl).pathname.split('/').at(-1) ?? ''),
    sourceUrl: transfer.sourceUrl,
    key: transfer.key,
    run,
    status: transfer.status,
    failure: transfer.failure,
    verdict: transfer.verification?.verdict ?? null,
    sizeBytes: transfer.sizeBytes,
    partSizeBytes: transfer.partSizeBytes,
    partsTotal: transfer.partsTotal,
    durationSeconds: figures.durationSeconds,
    averageBytesPerSecond: figures.averageBytesPerSecond,
    peakBytesPerSecond: figures.peakBytesPerSecond,
    averagePartSeconds: figures.averagePartSeconds,
    slowestPartSeconds: figures.slowestPartSeconds,
    metrics: transfer.metrics,
    stepMs,
    samples: samples.map(({ at, sourceBytes, bucketBytes, bufferedBytes, readLanes, uploadLanes }) => ({
      seconds: (at.getTime() - startMs) / 1000,
      sourceBytes,
      bucketBytes,
      bufferedBytes,
      readLanes,
      uploadLanes,
    })),
  }
}

/** A name as people read it; one with a stray percent sign stays as it is. */
function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
