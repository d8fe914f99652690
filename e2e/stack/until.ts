import { setTimeout as delay } from 'node:timers/promises'

/** Asks until the answer is neither null nor false and returns it. Fails with `what` after the deadline. */
export async function until<T>(
  what: string,
  ask: () => T | null | false | Promise<T | null | false>,
  deadlineMs = 180_000,
  everyMs = 50,
): Promise<T> {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== null && answer !== false) return answer
    if (performance.now() > end) throw new Error(`Waited ${deadlineMs / 1000} s in vain for: ${what}`)
    await delay(everyMs)
  }
}
