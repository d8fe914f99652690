import { createClient } from 'redis'
import { until } from '../stack/until.ts'

/** How often the names are looked at: leases are there for moments. */
const EVERY_MS = 5

/** Resolves once the names of all that is in a Redis are so. */
export async function untilKeys(url: string, what: string, areSo: (keys: readonly string[]) => boolean): Promise<void> {
  const client = await createClient({ url }).connect()
  try {
    await until(what, async () => areSo(await client.keys('*')), undefined, EVERY_MS)
  } finally {
    client.destroy()
  }
}

/** Slices that are in it, or that an engine has the right to fetch. */
export const slicesIn = (keys: readonly string[]) => keys.filter((key) => /^sluice:1:[sl]:/.test(key)).length
