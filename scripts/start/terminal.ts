/** What `npm start` says: one short line for each step, with its seconds, in the order the steps end. */
export class Terminal {
  readonly #startedAt = performance.now()

  /** A line as it is. A terminal that was closed in the meantime loses it, nothing more. */
  say(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  /** Says what takes time: at once when it takes more than two seconds, and what it took at its end. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const ticker = setInterval(() => this.say(`  … ${name} (${seconds(startedAt)})`), 2_000)
    try {
      const result = await work()
      this.say(`  ✓ ${name} (${seconds(startedAt)})`)
      return result
    } finally {
      clearInterval(ticker)
    }
  }

  /** Seconds since the beginning, as text. */
  elapsed(): string {
    return seconds(this.#startedAt)
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
