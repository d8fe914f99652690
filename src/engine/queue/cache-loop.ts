import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { purgeSpan, purgesAfter, recordPurge } from '../../server/db/cache-purges.ts'
import { addCacheSample } from '../../server/db/cache-samples.ts'
import type { Db } from '../../server/db/client.ts'
import { answerQuestion, openQuestions } from '../../server/db/engine-questions.ts'
import type { CacheStats, PurgeTarget } from '../../server/domain/cache.ts'
import type { Log } from '../../server/log.ts'
import type { PurgedTier, TieredCache } from '../cache/tiered-cache.ts'

/** Purges are looked for this often, where a hint was lost or one has failed; questions that are open are seen with the heartbeat. */
const LOOK_EVERY_MS = 5_000
const SAMPLE_EVERY_MS = 10_000
const MAX_OBJECTS = 1_000

const objectsQuestion = z.object({ search: z.string().optional(), limit: z.number().int().min(1).max(MAX_OBJECTS) })

export interface CacheLoopOptions {
  readonly db: Db
  readonly engineId: string
  readonly cache: TieredCache
  readonly log: Pick<Log, 'warn' | 'info'>
  /** Told of each purge, before and after it, so that nothing else goes on with what was purged. */
  readonly onPurge?: (target: PurgeTarget) => void
}

/**
 * What people ask of the slice cache: purges, applied in the order of their ids to each tier since the last one it has seen; and
 * questions about its objects. Writes now and then what the cache did.
 */
export class CacheLoop {
  readonly #options: CacheLoopOptions
  readonly #stopping = new AbortController()
  #wake: (() => void) | null = null
  #isPoked = false
  #running: Promise<void> = Promise.resolve()
  #sampled: CacheStats
  #sampledAtMs = performance.now()

  constructor(options: CacheLoopOptions) {
    this.#options = options
    this.#sampled = options.cache.stats()
  }

  start(): void {
    this.#running = this.#run()
  }

  /** There may be something to read. */
  poke(): void {
    this.#isPoked = true
    this.#wake?.()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.poke()
    await this.#running
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    const failed = (what: string) => (err: unknown) => log.warn({ err }, `${what}; trying again`)
    while (!this.#stopping.signal.aborted) {
      const isPoked = this.#isPoked
      this.#isPoked = false
      await this.#applyPurges().catch(failed('purges of the slice cache could not be read'))
      if (isPoked) await this.#answer().catch(failed('a question about the slice cache could not be answered'))
      await this.#sample().catch(failed('figures of the slice cache could not be written'))
      if (this.#isPoked) continue
      const waiting = new AbortController()
      this.#wake = () => waiting.abort()
      await delay(LOOK_EVERY_MS, undefined, { signal: waiting.signal }).catch(() => {})
      this.#wake = null
    }
  }

  async #applyPurges(): Promise<void> {
    const { db, cache, log } = this.#options
    const span = await purgeSpan(db)
    for (const tier of cache.purgedTiers) {
      try {
        await this.#bringUp(tier, span)
      } catch (err) {
        log.warn({ err }, 'a purge could not be applied to a tier of the slice cache; trying again')
      }
    }
  }

  /** Brings one tier up to the latest purge. */
  async #bringUp(tier: PurgedTier, span: { first: bigint; last: bigint } | null): Promise<void> {
    const { db, engineId, log, onPurge } = this.#options
    const mark = await tier.purgedUpTo()
    const last = span?.last ?? 0n
    if (mark === last) return
    // A mark of another database, or purges that are no longer kept: nobody knows what they were, so all of it goes.
    const isLost = mark !== null && (mark > last || (span !== null && mark + 1n < span.first))
    if (isLost) {
      await tier.purge('all')
      onPurge?.('all')
      log.info('a tier of the slice cache was emptied: it missed purges that are no longer known')
    }
    let applied = isLost || mark === null ? last : mark
    for (const { id, target } of isLost ? [] : await purgesAfter(db, mark ?? 0n)) {
      onPurge?.(target)
      const removed = await tier.purge(target)
      onPurge?.(target)
      await tier.markPurged(id)
      if (id > applied) applied = id
      await recordPurge(db, id, engineId, removed)
      log.info({ purge: Number(id), ...removed }, 'purged the slice cache')
    }
    // Written where there was no purge too: a mark says that the tier is not a new one.
    if (applied !== mark) await tier.markPurged(applied)
  }

  async #answer(): Promise<void> {
    const { db, cache, engineId } = this.#options
    for (const { id, kind, input } of await openQuestions(db, engineId)) {
      const question = kind === 'cache.objects' ? objectsQuestion.safeParse(input).data : undefined
      await answerQuestion(
        db,
        id,
        question ? cache.objects({ search: question.search ?? '', limit: question.limit }) : {},
      )
    }
  }

  /** A sample of a time in which nothing was asked for says nothing and is left out. */
  async #sample(): Promise<void> {
    if (performance.now() - this.#sampledAtMs < SAMPLE_EVERY_MS) return
    const before = this.#sampled
    const now = this.#options.cache.stats()
    this.#sampled = now
    this.#sampledAtMs = performance.now()
    const hits = hitsOf(now) - hitsOf(before)
    const misses = now.misses - before.misses
    const storedBytes = now.storedBytes - before.storedBytes
    if (hits + misses + storedBytes === 0) return
    await addCacheSample(this.#options.db, this.#options.engineId, {
      hits,
      misses,
      storedBytes,
      hitBytes: now.hitBytes - before.hitBytes,
      evictions: evictionsOf(now) - evictionsOf(before),
      memoryBytes: now.memory.bytes,
      diskBytes: now.disk?.bytes ?? 0,
    })
  }
}

const hitsOf = (stats: CacheStats) => stats.memoryHits + stats.diskHits + stats.sharedHits
const evictionsOf = (stats: CacheStats) => stats.memoryEvictions + stats.diskEvictions
