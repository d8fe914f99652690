import type { Figures } from '../harness/measure-script.ts'

/** One run of one peer whose bytes were found right. */
export interface Run extends Figures {
  readonly peer: string
  readonly round: number
  readonly bytes: number
  readonly sourceRequests: number
  /** Those of them that were answered 429. */
  readonly refusedRequests: number
  /** Null where the store does not count. */
  readonly storeRequests: number | null
  /** CPU of the source and of the store in this run, where they are ours: whether one of them held the peer up. */
  readonly sourceCpuSeconds: number | null
  readonly storeCpuSeconds: number | null
}

/** What is written to bench/results: everything that was measured, and under what. */
export interface ScenarioResult {
  readonly scenario: {
    readonly name: string
    readonly shows: string
    readonly files: { readonly count: number; readonly sizeBytes: number }
    readonly shorter: Readonly<Record<string, number>>
    readonly idealSeconds: number | null
  }
  readonly store: string
  readonly startedAt: string
  /** Load average of the last minute, before and after: above the number of cores, others were at work. */
  readonly load: { readonly before: number; readonly after: number }
  readonly versions: Readonly<Record<string, string>>
  readonly runs: readonly Run[]
  /** Peers without a result, with the reason. */
  readonly skipped: Readonly<Record<string, string>>
}

export interface BenchReport {
  readonly format: 1
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryBytes: number
    readonly kernel: string
  }
  readonly results: readonly ScenarioResult[]
}
