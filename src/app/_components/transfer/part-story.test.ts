import { describe, expect, it } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import { partStory } from './part-story.ts'

const plan = { partsTotal: 17, partSizeBytes: 8 * MIB, sizeBytes: 133 * MIB, moving: false, engineName: 'a' }

describe('partStory', () => {
  it('tells of a finished part its bytes, time, rate, retries and engine', () => {
    const part = {
      number: 2,
      sizeBytes: 8 * MIB,
      engineId: 'x',
      retries: 1,
      startedAt: new Date(0),
      finishedAt: new Date(500),
    }
    expect(partStory({ ...plan, number: 2, part })).toEqual([
      'Part 2 of 17',
      'bytes 8,388,608 to 16,777,215',
      '8.00 MiB in 0.5 s',
      '16.0 MiB/s',
      '1 retry',
      'by a',
    ])
  })

  it('cuts the last part at the end of the file', () => {
    expect(partStory({ ...plan, number: 17, part: undefined, moving: true })).toEqual([
      'Part 17 of 17',
      'bytes 134,217,728 to 139,460,607',
      '5.00 MiB',
      'moving now',
    ])
  })

  it('says less where less is known', () => {
    expect(partStory({ ...plan, number: 3, partSizeBytes: null, part: undefined })).toEqual(['Part 3 of 17', 'waiting'])
  })
})
