/** Schedules that once broke an invariant, kept as tests. Add what `npm run stress -- chaos` prints. */
export const FAILED_SEEDS: readonly { readonly seed: number; readonly commands: number; readonly why: string }[] = [
  { seed: 1489647511, commands: 40, why: 'a source that answered 429 at the first contact was given up' },
]
