/**
 * Why work on a transfer stops although nothing is wrong with it. It is the `reason` of abort signals, so that code which
 * catches an error can tell a stop from a failure: a stop is never logged or counted as an error.
 */
export class Stop extends Error {
  override readonly name = 'Stop'
  readonly why: 'user' | 'lease-lost' | 'shutdown' | 'sibling-failed' | 'part-closed' | 'span-cut'

  constructor(why: Stop['why']) {
    super(`stopped: ${why}`)
    this.why = why
  }
}
