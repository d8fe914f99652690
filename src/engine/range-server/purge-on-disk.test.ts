import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../server/log.ts'
import { openTieredCache } from '../cache/open-tiered-cache.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { openRangeFixture, type RangeFixture, TEST_SLICE_BYTES as SLICE } from './testing/range-fixture.ts'

// Purges under readers, over the tiers as they are: memory that is too small for the file, a disk, and a write queue that is full.

const SIZE = 24 * SLICE

let parent: string
let cache: TieredCache
let fixture: RangeFixture
beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-purges-'))
  cache = await openTieredCache({
    memoryBytes: 12 * (SLICE + 512),
    ttlMs: 600_000,
    writeQueue: 5,
    disk: { parent, maxBytes: 2 * SIZE },
    redisUrl: null,
    log: createLog('engine', 'silent'),
  })
  await cache.ready
  fixture = await openRangeFixture({ cache })
})
afterEach(async () => {
  await fixture.close()
  await cache.close()
  rmSync(parent, { recursive: true, force: true })
})

const slicesOnDisk = () =>
  readdirSync(parent, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.slice'))

test('purges while readers read from memory and disk harm none of them, and the last one leaves nothing', async () => {
  fixture.serve('/a', { sizeBytes: SIZE })
  fixture.serve('/b', { sizeBytes: SIZE, seed: 2 })
  const whole = { '/a': patternBytes(0, SIZE), '/b': patternBytes(0, SIZE, 2) }
  let served = 0
  const reader = async (number: number) => {
    for (let turn = 0; turn < 4; turn++) {
      const path = (number + turn) % 2 === 0 ? '/a' : '/b'
      const start = ((number * 5 + turn * 7) % 20) * SLICE + 11
      const { status, body, isCut } = await fixture.get(path, { range: `bytes=${start}-` })
      expect({ status, isCut, isRight: body.equals(whole[path].subarray(start)) }).toEqual({
        status: 206,
        isCut: false,
        isRight: true,
      })
      served++
      // While the eleven others read on.
      if (served % 3 === 0) await fixture.service.purge('all')
    }
  }
  await Promise.all(Array.from({ length: 12 }, (_, number) => reader(number)))
  expect(served).toBe(12 * 4)
  await fixture.service.purge('all')
  await cache.written()
  expect(cache.stats()).toMatchObject({ memory: { slices: 0, bytes: 0 }, disk: { slices: 0, bytes: 0 } })
  expect(slicesOnDisk()).toEqual([])
  const before = fixture.hostile.requests('/a').length
  expect((await fixture.get('/a')).body.equals(whole['/a'])).toBe(true)
  expect(fixture.hostile.requests('/a').length).toBeGreaterThan(before)
  await cache.written()
  expect(cache.stats()).toMatchObject({ diskErrors: 0, disk: { state: 'ready', slices: slicesOnDisk().length } })
  expect(slicesOnDisk().length).toBeGreaterThan(0)
})
