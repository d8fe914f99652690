import { writeFileSync } from 'node:fs'
import type { FullConfig, FullResult, Reporter, Suite } from '@playwright/test/reporter'
import { emptyCounts, NO_REASON } from './counts.ts'

/** A Playwright reporter that writes Counts to SLUICE_TEST_COUNTS. A test that passed only at a second try has failed. */
export default class PlaywrightCounts implements Reporter {
  #root: Suite | null = null
  #errors = 0

  onBegin(_config: FullConfig, root: Suite): void {
    this.#root = root
  }

  onError(): void {
    this.#errors++
  }

  onEnd(_result: FullResult): void {
    const counts = emptyCounts()
    counts.failed += this.#errors
    for (const test of this.#root?.allTests() ?? []) {
      const outcome = test.outcome()
      if (outcome === 'expected') counts.passed++
      else if (outcome === 'skipped')
        counts.skipped.push({
          name: test.titlePath().filter(Boolean).join(' > '),
          reason: test.annotations.find(({ type }) => type === 'skip')?.description ?? NO_REASON,
        })
      else counts.failed++
    }
    const path = process.env.SLUICE_TEST_COUNTS
    if (path) writeFileSync(path, JSON.stringify(counts))
  }

  printsToStdio(): boolean {
    return false
  }
}
