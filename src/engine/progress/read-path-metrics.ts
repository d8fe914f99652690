import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What the read path counts, as far as it is shown. */
export interface ReadPathFigures {
  readonly counters: {
    readonly originFetches: number
    readonly failedFetches: number
    readonly abortedFetches: number
    readonly retries: number
    readonly fallbacks: number
    readonly coalescedSlices: number
    readonly prefetchedSlices: number
  }
  readonly origins: readonly {
    readonly name: string
    readonly breaker: string
    readonly requests: number
    readonly hits: number
    readonly misses: number
    readonly errors: number
    readonly aborts: number
    readonly servedBytes: number
    readonly originBytes: number
    readonly activeReaders: number
  }[]
  readonly breakerTrips: number
  /** By rank: short, medium, bulk, read ahead. */
  readonly queueDepth: readonly [number, number, number, number]
  readonly originRequests: number
  readonly fetchingBytes: number
}

/** The metrics of the range server; read when Prometheus asks. Returns what takes the time to each first byte, in seconds. */
export function addReadPathMetrics(registry: Registry, read: () => ReadPathFigures): (seconds: number) => void {
  const registers = [registry]
  const total = (name: string, help: string, value: (figures: ReadPathFigures) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value(read()))
      },
    })
  const gauge = (name: string, help: string, value: (figures: ReadPathFigures) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(read()))
      },
    })
  const byOrigin = (name: string, help: string, value: (origin: ReadPathFigures['origins'][number]) => number) =>
    new Counter({
      name,
      help,
      registers,
      labelNames: ['origin'] as const,
      collect() {
        this.reset()
        for (const origin of read().origins) this.inc({ origin: origin.name }, value(origin))
      },
    })
  byOrigin('sluice_range_requests_total', 'Requests of readers.', ({ requests }) => requests)
  byOrigin('sluice_range_hits_total', 'Answers that waited for no origin.', ({ hits }) => hits)
  byOrigin('sluice_range_misses_total', 'Answers that waited for an origin.', ({ misses }) => misses)
  byOrigin('sluice_range_errors_total', 'Requests that failed or were cut off.', ({ errors }) => errors)
  byOrigin('sluice_range_aborts_total', 'Readers that went away.', ({ aborts }) => aborts)
  byOrigin('sluice_range_served_bytes_total', 'Bytes sent to readers.', ({ servedBytes }) => servedBytes)
  byOrigin('sluice_origin_bytes_total', 'Bytes taken from origins for readers.', ({ originBytes }) => originBytes)
  total('sluice_origin_fetches_total', 'Requests to origins for readers.', ({ counters }) => counters.originFetches)
  total('sluice_origin_fetch_failures_total', 'Those that failed.', ({ counters }) => counters.failedFetches)
  total('sluice_origin_fetch_aborts_total', 'Those nobody wanted any more.', ({ counters }) => counters.abortedFetches)
  total('sluice_origin_fetch_retries_total', 'Slices asked for again.', ({ counters }) => counters.retries)
  total('sluice_origin_fallbacks_total', 'Second requests beside a silent one.', ({ counters }) => counters.fallbacks)
  total('sluice_coalesced_slices_total', 'Slices that were on their way.', ({ counters }) => counters.coalescedSlices)
  total('sluice_prefetched_slices_total', 'Slices fetched ahead.', ({ counters }) => counters.prefetchedSlices)
  total('sluice_breaker_trips_total', 'Times a circuit breaker opened.', ({ breakerTrips }) => breakerTrips)
  gauge('sluice_range_active_readers', 'Answers being sent or waited for.', ({ origins }) =>
    origins.reduce((sum, { activeReaders }) => sum + activeReaders, 0),
  )
  gauge('sluice_origin_requests', 'Requests to origins under way.', ({ originRequests }) => originRequests)
  gauge('sluice_fetching_bytes', 'Bytes of slices under way.', ({ fetchingBytes }) => fetchingBytes)
  new Gauge({
    name: 'sluice_breaker_open',
    help: '1 while the circuit breaker of an origin is open, 0.5 while it is tried, else 0.',
    labelNames: ['origin'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, breaker } of read().origins)
        this.set({ origin: name }, breaker === 'open' ? 1 : breaker === 'half-open' ? 0.5 : 0)
    },
  })
  new Gauge({
    name: 'sluice_fetch_queue_depth',
    help: 'Fetches that wait for a request to their origin, by priority.',
    labelNames: ['priority'] as const,
    registers,
    collect() {
      for (const [rank, priority] of ['short', 'medium', 'bulk', 'ahead'].entries())
        this.set({ priority }, read().queueDepth[rank] ?? 0)
    },
  })
  const seconds = new Histogram({
    name: 'sluice_range_response_seconds',
    help: 'Time from a request of a reader to the first byte of its answer.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10],
    registers,
  })
  return (value) => seconds.observe(value)
}
