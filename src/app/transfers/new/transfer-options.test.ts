import { describe, expect, it } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import { NO_OPTIONS, optionsSummary, readOptions } from './transfer-options.ts'

const now = { single: true, nowMs: Date.parse('2026-11-21T00:00:00Z') }

describe('readOptions', () => {
  it('sends nothing where nothing was chosen', () => {
    expect(readOptions(NO_OPTIONS, now)).toEqual({ input: {}, problems: {} })
  })

  it('reads sizes and rates as people write them', () => {
    const { input } = readOptions(
      { ...NO_OPTIONS, sizing: 'own', partSize: '64 MiB', bandwidthLimit: '50 MiB/s', lanes: '4' },
      now,
    )
    expect(input).toEqual({ partSizeBytes: 64 * MIB, bandwidthLimitBytesPerSecond: 50 * MIB, lanes: 4 })
  })

  it('has a sentence for each field that cannot be read', () => {
    const { input, problems } = readOptions(
      {
        ...NO_OPTIONS,
        sizing: 'own',
        partSize: '4 MiB',
        lanes: '21',
        checksumValue: 'abc',
        bandwidthLimit: 'fast',
        startAt: '2020-01-01T00:00',
        headers: [{ id: 1, name: 'bad name', value: 'x' }],
      },
      now,
    )
    expect(Object.keys(problems).sort()).toEqual([
      'bandwidthLimit',
      'checksum',
      'headers',
      'lanes',
      'partSize',
      'startAt',
    ])
    expect(input).toEqual({})
  })

  it('sends an expected checksum only with a single link', () => {
    const options = { ...NO_OPTIONS, checksumAlgorithm: 'crc32c' as const, checksumValue: ' yZRlqg== ' }
    expect(readOptions(options, now).input.expectedChecksum).toEqual({ algorithm: 'crc32c', value: 'yZRlqg==' })
    expect(readOptions(options, { ...now, single: false }).input.expectedChecksum).toBeUndefined()
  })
})

describe('optionsSummary', () => {
  it('tells what differs from the defaults, and no header value', () => {
    const headers = [{ id: 1, name: 'Authorization', value: 'Bearer canary' }]
    expect(optionsSummary({ ...NO_OPTIONS, headers, bandwidthLimit: '50 MiB/s' }, true)).toBe(
      '1 header · at most 50 MiB a second',
    )
  })
})
