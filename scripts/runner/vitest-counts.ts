import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { type Counts, emptyCounts, NO_REASON } from './counts.ts'

/** A Vitest reporter that writes Counts to SLUICE_TEST_COUNTS, with the reason of each skip and files that did not load. */
export default class VitestCounts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = emptyCounts()
    counts.failed += unhandledErrors.length
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
      for (const test of module.children.allTests()) count(test, counts, module.relativeModuleId)
    }
    const path = process.env.SLUICE_TEST_COUNTS
    if (path) writeFileSync(path, JSON.stringify(counts))
  }
}

function count(test: TestCase, counts: Counts, file: string): void {
  const result = test.result()
  if (result.state === 'passed') counts.passed++
  else if (result.state === 'skipped')
    counts.skipped.push({ name: `${file}: ${test.fullName}`, reason: result.note ?? NO_REASON })
  else counts.failed++
}
