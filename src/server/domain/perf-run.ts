import { z } from 'zod'
import { failureSchema } from './failure.ts'
import { transferMetricsSchema, transferStatusSchema } from './transfer.ts'

/** One second (or one step) of a run's curve; bytes are what moved during the step. Seconds count from the run's start. */
const perfSampleSchema = z.object({
  seconds: z.number(),
  sourceBytes: z.number(),
  bucketBytes: z.number(),
  bufferedBytes: z.number(),
  readLanes: z.number(),
  uploadLanes: z.number(),
})

/** One transfer of one file. Figures are null where nothing was measured, as in a run that failed before its first byte. */
const perfTransferSchema = z.object({
  transferId: z.string(),
  /** The file's name, and its URL without secrets. */
  name: z.string(),
  sourceUrl: z.string(),
  key: z.string(),
  /** From 1: the file was moved `settings.runs` times. */
  run: z.int().min(1),
  status: transferStatusSchema,
  failure: failureSchema.nullable(),
  verdict: z.enum(['verified', 'size-only', 'mismatch', 'pending']).nullable(),
  sizeBytes: z.number().nullable(),
  partSizeBytes: z.number().nullable(),
  partsTotal: z.number().nullable(),
  /** From the first byte of work to the end. */
  durationSeconds: z.number().nullable(),
  averageBytesPerSecond: z.number().nullable(),
  peakBytesPerSecond: z.number().nullable(),
  averagePartSeconds: z.number().nullable(),
  slowestPartSeconds: z.number().nullable(),
  /** Product.md A2, A3, A5, A7 and the counts of requests and retries, by the names of the API. */
  metrics: transferMetricsSchema,
  stepMs: z.number(),
  samples: z.array(perfSampleSchema),
})
export type PerfTransfer = z.infer<typeof perfTransferSchema>

/** What `npm run perf` writes and the report page opens. Times are ISO 8601. */
export const perfRunSchema = z.object({
  kind: z.literal('sluice-perf'),
  format: z.literal(1),
  startedAt: z.string(),
  finishedAt: z.string(),
  /** Where the script ran; the engines may be elsewhere. */
  machine: z.object({ cpu: z.string(), cores: z.number(), memoryBytes: z.number(), kernel: z.string() }),
  /** The product that was asked: its version, and its engines as they were when the work began. */
  sluice: z.object({
    version: z.string(),
    engines: z.array(z.object({ name: z.string(), version: z.string() })),
  }),
  settings: z.object({
    bucketName: z.string(),
    runs: z.int().min(1),
    /** Null: as the engine has it set. */
    lanes: z.number().nullable(),
    partSizeBytes: z.number().nullable(),
  }),
  transfers: z.array(perfTransferSchema),
})
export type PerfRun = z.infer<typeof perfRunSchema>
