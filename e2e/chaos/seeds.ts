/** Schedules that once broke an invariant, kept as tests. Add what `npm run stress -- chaos` prints. */
export const FAILED_SEEDS: readonly { readonly seed: number; readonly commands: number; readonly why: string }[] = []
