import { createLog } from '../../../server/log.ts'
import { openTieredCache } from '../open-tiered-cache.ts'
import { bytesOf, keyOf, recordOf } from './slices.ts'

// Started by crash.test.ts, which kills it: writes slices and records to the disk tier for ever.
const parent = process.argv[2]
if (!parent) throw new Error('The folder of the disk tier is missing.')
const log = createLog('engine', 'silent')
const cache = await openTieredCache({
  memoryBytes: 1024 * 1024,
  ttlMs: 3_600_000,
  writeQueue: 8,
  disk: { parent, maxBytes: 64 * 1024 * 1024 },
  redisUrl: null,
  log,
})
for (let index = 0; ; index++) {
  const key = keyOf(`file-${index % 7}`, index % 100)
  cache.put(key, bytesOf(key, 256 * 1024))
  cache.saveRecord(recordOf(`file-${index % 7}`))
  await cache.written()
  process.stdout.write('.')
}
