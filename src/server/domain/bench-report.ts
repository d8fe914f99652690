import { z } from 'zod'

/** Figures only Sluice has: its engine is watched from inside while the work runs. */
const benchEngineSchema = z.object({
  /** How late the event loop came, every 10 ms: the 99th of a hundred, and the worst. */
  eventLoopP99Ms: z.number(),
  eventLoopMaxMs: z.number(),
  /** Statements sent to the database, in all and in the median second of the run; null where it was shorter than five. */
  databaseStatements: z.number(),
  databaseStatementsPerSecond: z.number().nullable(),
  /** What it had resident, on average in each quarter of the run; null where that was shorter than a minute. */
  rssQuartersBytes: z.array(z.number()).readonly().nullable().optional(),
})
export type BenchEngine = z.infer<typeof benchEngineSchema>

/** One run of one peer whose bytes were found right. */
const benchRunSchema = z.object({
  peer: z.string(),
  round: z.number(),
  bytes: z.number(),
  wallSeconds: z.number(),
  cpuSeconds: z.number(),
  /** The most that its processes together had resident. */
  peakRssBytes: z.number(),
  /** Of a service: what it had before the work began. */
  idleRssBytes: z.number().optional(),
  sourceRequests: z.number(),
  /** Those of them that were answered 429. */
  refusedRequests: z.number(),
  /** Null where the store does not count. */
  storeRequests: z.number().nullable(),
  /** CPU of the source and of the store in this run, where they are ours: whether one of them held the peer up. */
  sourceCpuSeconds: z.number().nullable(),
  storeCpuSeconds: z.number().nullable(),
  engine: benchEngineSchema.optional(),
})
export type BenchRun = z.infer<typeof benchRunSchema>

/** Everything that was measured in one scenario, and under what. */
const benchScenarioSchema = z.object({
  scenario: z.object({
    name: z.string(),
    shows: z.string(),
    files: z.object({ count: z.number(), sizeBytes: z.number() }),
    /** Peers that did less, by name, with the bytes they did: they count by their rate. */
    shorter: z.record(z.string(), z.number()),
    idealSeconds: z.number().nullable(),
  }),
  store: z.string(),
  startedAt: z.string(),
  /** Load average of the last minute, before and after: above the number of cores, others were at work. */
  load: z.object({ before: z.number(), after: z.number() }),
  versions: z.record(z.string(), z.string()),
  runs: z.array(benchRunSchema),
  /** Peers without a result, with the reason. */
  skipped: z.record(z.string(), z.string()),
})
export type BenchScenario = z.infer<typeof benchScenarioSchema>

/** What `npm run bench` writes to bench/results and the report page opens. */
export const benchReportSchema = z.object({
  format: z.literal(1),
  machine: z.object({ cpu: z.string(), cores: z.number(), memoryBytes: z.number(), kernel: z.string() }),
  results: z.array(benchScenarioSchema),
})
export type BenchReport = z.infer<typeof benchReportSchema>
