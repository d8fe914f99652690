import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { patternBytes } from '../testing/byte-pattern.ts'
import { BucketPace } from '../upload/bucket-pace.ts'
import { isBucketBehind } from './report-signs.ts'
import { fakeEngine, PART, SIZE } from './testing/fake-engine.ts'

it('parts whose requests the bucket wants later hold up none that it takes: reading goes on for those', async () => {
  const pace = new BucketPace(() => 0)
  const refused = await pace.begin(new AbortController().signal)
  refused(new TransferError('bucket_slow_down', 'Less, please.', { retry: 'now' }))
  expect(pace.limit).toBe(1)
  const engine = fakeEngine()
  const limits = { shape: 'streamed', uploadLanes: 2, highWaterBytes: PART, lowWaterBytes: PART / 3 } as const
  const transfer = engine.begin({ limits, partSizeBytes: 2 * PART })
  const { run, done } = transfer.start()
  Object.assign(run, { pace })
  let wasBehind = false
  const isDone = done.then(() => true)
  while (!(await Promise.race([isDone, turn(false)])))
    wasBehind ||= isBucketBehind(run) && [...run.board.all].some(({ isHeldUp }) => isHeldUp)
  expect(transfer.object()).toEqual(patternBytes(0, SIZE))
  // The report still says who was slow.
  expect(wasBehind).toBe(true)
})
