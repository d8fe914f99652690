import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Live figures that are read when Prometheus asks, rather than kept up to date. */
export interface LiveFigures {
  transfers(): number
  readLanes(): number
  uploadLanes(): number
  bufferedBytes(): number
}

/**
 * Every metric of the engine but those of the slice cache (cache-metrics.ts), in one place: names begin with `sluice_`, base units, `_total` for counters
 * (Prometheus, "Metric and label naming"). Names are promises.
 */
export function createMetrics(memoryBudgetBytes: number, figures: LiveFigures) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'sluice_' })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  gauge('sluice_transfers_running', 'Transfers this engine works on.', figures.transfers)
  gauge('sluice_read_lanes', 'Open requests to sources.', figures.readLanes)
  gauge('sluice_upload_lanes', 'Parts being sent to buckets.', figures.uploadLanes)
  gauge('sluice_buffered_bytes', 'Bytes reserved of the memory budget.', figures.bufferedBytes)
  gauge('sluice_memory_budget_bytes', 'Bytes the engine may hold in flight.', () => memoryBudgetBytes)
  return {
    registry,
    sourceBytes: new Counter({ name: 'sluice_source_bytes_total', help: 'Bytes read from sources.', registers }),
    sharedBytes: new Counter({
      name: 'sluice_shared_bytes_total',
      help: 'Bytes that transfers had from slices another transfer of the same file had read.',
      registers,
    }),
    bucketBytes: new Counter({ name: 'sluice_bucket_bytes_total', help: 'Bytes sent to buckets.', registers }),
    retries: new Counter({
      name: 'sluice_retries_total',
      help: 'Range reads and part uploads tried again.',
      registers,
    }),
    transfersEnded: new Counter({
      name: 'sluice_transfers_ended_total',
      help: 'Transfers this engine ended, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    flushSeconds: new Histogram({
      name: 'sluice_flush_seconds',
      help: 'Time to write one second of progress to Postgres.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
  }
}

export type EngineMetrics = ReturnType<typeof createMetrics>
