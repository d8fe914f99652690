/** What a runner of tests counted. Names are unique enough to find the test by. */
export interface Counts {
  passed: number
  failed: number
  skipped: { name: string; reason: string }[]
}

export const NO_REASON = 'no reason is given in the test'

export function emptyCounts(): Counts {
  return { passed: 0, failed: 0, skipped: [] }
}

/** The last line of `npm test`: a promise to whoever reads it. */
export function countsLine(counts: Counts): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped`
}
