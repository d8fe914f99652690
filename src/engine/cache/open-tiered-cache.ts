import type { Log } from '../../server/log.ts'
import { DiskTier } from './disk.ts'
import { ObjectIndex } from './object-index.ts'
import { SharedTier } from './shared.ts'
import { TieredCache, type TiersOptions } from './tiered-cache.ts'

export interface TieredCacheOptions extends TiersOptions {
  /** Null: no disk tier. */
  readonly disk: { readonly parent: string; readonly maxBytes: number } | null
  /** Null: no shared tier. */
  readonly redisUrl: string | null
  /** How long Redis may take to answer, before it is done without. Left out: half a second. */
  readonly commandTimeoutMs?: number
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** Opens the tiers that are configured. A disk that cannot be used is logged and left out: the cache is only a shortcut. */
export async function openTieredCache(options: TieredCacheOptions): Promise<TieredCache> {
  const { disk: wish, ttlMs, log, redisUrl, commandTimeoutMs } = options
  let disk: DiskTier | null = null
  const index = new ObjectIndex((objectId) => void disk?.forgetObject(objectId))
  if (wish)
    disk = await DiskTier.open({ ...wish, ttlMs, index, log }).catch((error) => {
      log.warn(
        { reason: error.code ?? error.message },
        'The disk tier of the slice cache cannot be used; going on without it.',
      )
      return null
    })
  const shared = redisUrl === null ? null : new SharedTier({ url: redisUrl, ttlMs, log, commandTimeoutMs })
  return new TieredCache(options, index, disk, shared)
}
