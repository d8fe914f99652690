import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const MAX_BYTES = 16 * 1024 * 1024
const KEPT = 3

/** A log of one process: a new file at each start and at 16 MiB, the three before it kept as `.1` to `.3`. */
export class LogFile {
  readonly path: string
  #file: number | null = null
  #sizeBytes = 0

  constructor(path: string) {
    this.path = path
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.#rotate()
  }

  /** Writes one line. A full disk loses log lines, never the process that logs. */
  write(line: string): void {
    const text = `${line}\n`
    try {
      if (this.#sizeBytes > MAX_BYTES) this.#rotate()
      if (this.#file !== null) this.#sizeBytes += writeSync(this.#file, text)
    } catch {
      // See above.
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }

  #rotate(): void {
    this.close()
    for (let age = KEPT; age > 0; age--) {
      const from = age === 1 ? this.path : `${this.path}.${age - 1}`
      try {
        if (age === KEPT) rmSync(`${this.path}.${age}`, { force: true })
        renameSync(from, `${this.path}.${age}`)
      } catch {
        // There is none of that age.
      }
    }
    this.#file = openSync(this.path, 'a', 0o600)
    this.#sizeBytes = fstatSync(this.#file).size
  }
}
