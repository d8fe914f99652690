/**
 * Gathers what comes while a statement is under way, and sends it with the next: alone nobody waits for others, and many cost no
 * more statements than a few. `send` gets everything that is due; its result goes to all who added to it, and so does its error.
 */
export class GroupCommit<T, R> {
  readonly #send: (items: readonly T[]) => Promise<R>
  #next: { readonly items: T[]; readonly result: Promise<R> } | null = null
  #last: Promise<unknown> = Promise.resolve()

  constructor(send: (items: readonly T[]) => Promise<R>) {
    this.#send = send
  }

  add(item: T): Promise<R> {
    if (this.#next) this.#next.items.push(item)
    else {
      const items = [item]
      const result = this.#last.then(() => {
        this.#next = null
        return this.#send(items)
      })
      this.#last = result.catch(() => {})
      this.#next = { items, result }
    }
    return this.#next.result
  }
}
