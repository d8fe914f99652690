import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type Percentiles, percentiles } from './crowd.ts'

const RANGE_BYTES = 64 * 1024
const EVERY_MS = 20

/** What one reader saw beside the crowd. */
export interface BesideFigures {
  readonly requests: number
  readonly errors: number
  readonly firstByteMs: Percentiles
}

/**
 * A reader of 64 KiB ranges of one cached file, in a thread of its own: what it waits for is the server, not the event loop in which a
 * thousand other readers are simulated.
 */
export class OneReader {
  readonly #worker: Worker

  constructor(url: string, fileBytes: number) {
    this.#worker = new Worker(join(import.meta.dirname, 'one-reader-thread.ts'), {
      workerData: { url, fileBytes, rangeBytes: RANGE_BYTES, everyMs: EVERY_MS },
    })
  }

  /** What it saw since it was asked last. */
  async take(): Promise<BesideFigures> {
    this.#worker.postMessage('take')
    const [{ firstByteMs, errors }] = (await once(this.#worker, 'message')) as [
      { firstByteMs: number[]; errors: number },
    ]
    return { requests: firstByteMs.length, errors, firstByteMs: percentiles(firstByteMs) }
  }

  async stop(): Promise<void> {
    await this.#worker.terminate()
  }
}
