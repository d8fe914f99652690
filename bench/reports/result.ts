import type { BenchRun, BenchScenario, BenchReport as Report } from '../../src/server/domain/bench-report.ts'

/** What is written to bench/results: its form is in src/server/domain, because a page of the dashboard opens it too. */
type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T
export type Run = Frozen<BenchRun>
export type ScenarioResult = Frozen<BenchScenario>
export type BenchReport = Frozen<Report>
