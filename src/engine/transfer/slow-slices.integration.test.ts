import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FaultyStack, startFaultyStack } from '../../../e2e/stack/faulty-stack.ts'
import { until } from '../../../e2e/stack/until.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'
import type { HostileRequest } from '../testing/hostile-behaviour.ts'

const SIZE_BYTES = 6 * MIB
/** Of the profile below. */
const SLICE_BYTES = 2 * MIB
/** In the middle of the second slice the source stands still, but for a few bytes, until it is let go. */
const HELD_FROM_BYTE = 3 * MIB
const HARDLY = MIB / 256

let rig: FaultyStack
beforeAll(async () => {
  rig = await startFaultyStack()
})
afterAll(() => rig.close())

/** Stores end a request that says nothing for some 20 s; how long the engine lets one be silent is for part-stream.test.ts to say. */
it('sends what there is of a slice that does not come to its end, and no part again', async () => {
  const { stack, faulty } = rig
  await stack.startEngine({ SLUICE_PROFILE: 'high-throughput', SLUICE_MEMORY_BUDGET: '24MiB', SLUICE_READ_LANES: '1' })
  let isHeld = true
  const atByte = ({ range, bytesSent }: HostileRequest) => (range?.startByte ?? 0) + bytesSent
  const sourceUrl = stack.source.serve('/slow.bin', (request) => ({
    sizeBytes: SIZE_BYTES,
    bytesPerSecond: () => (isHeld && atByte(request) >= HELD_FROM_BYTE ? HARDLY : null),
  }))
  const id = await stack.create({ sourceUrl, key: 'slow.bin', partSizeBytes: SIZE_BYTES })
  // The test of the bucket sends parts, too.
  const parts = () => faulty.requests('UploadPart').filter(({ key }) => key === 'slow.bin')
  await until('bytes of the slice that is held', () => parts().some((part) => part.receivedBytes > 1.2 * SLICE_BYTES))
  expect(Math.max(...stack.source.requests('/slow.bin').map(atByte))).toBeLessThan(2 * SLICE_BYTES)
  isHeld = false
  const done = await stack.waitFor(id, 'completed', 'failed')
  expect(done.failure).toBeNull()
  expect(done.parts.map(({ retries }) => retries)).toEqual([0])
  expect(parts()).toHaveLength(1)
  expect(await stack.objectSha256('slow.bin')).toBe(patternSha256(SIZE_BYTES))
})
