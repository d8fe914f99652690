import { expect, test } from 'vitest'
import { GIB, MIB, TIB } from '../../../server/domain/bytes.ts'
import { doneOfSize, folderOf, percentOf, progressOf, proofWords, tookSeconds } from './row-words.ts'

test('progress is a share of the size, whole for an empty file that is done, unknown without a size', () => {
  expect(progressOf({ sizeBytes: 200, transferredBytes: 50, status: 'running' })).toBe(0.25)
  expect(progressOf({ sizeBytes: 0, transferredBytes: 0, status: 'completed' })).toBe(1)
  expect(progressOf({ sizeBytes: 0, transferredBytes: 0, status: 'running' })).toBe(0)
  expect(progressOf({ sizeBytes: null, transferredBytes: 50, status: 'running' })).toBeNull()
  expect(progressOf({ sizeBytes: 10, transferredBytes: 12, status: 'running' })).toBe(1)
})

test('100 % means all of it', () => {
  expect(percentOf(0.9999)).toBe('99')
  expect(percentOf(1)).toBe('100')
  expect(percentOf(null)).toBe('–')
})

test('what is done stands in the unit of the whole', () => {
  expect(doneOfSize(4.4 * GIB, 6.2 * GIB)).toEqual({ value: '4.4 / 6.2', unit: 'GiB' })
  expect(doneOfSize(900 * GIB, 2.4 * TIB)).toEqual({ value: '0.9 / 2.4', unit: 'TiB' })
  expect(doneOfSize(0, 12)).toEqual({ value: '0 / 12', unit: 'B' })
  expect(doneOfSize(3 * MIB, null)).toEqual({ value: '3.00', unit: 'MiB' })
})

test('a proof says what it rests on and no more', () => {
  const evidence = [{ kind: 'size' }, { kind: 'bucket-checksum', algorithm: 'crc64nvme' }]
  expect(proofWords({ verdict: 'verified', evidence })).toBe('CRC64NVME by the bucket')
  expect(proofWords({ verdict: 'size-only', evidence: [] })).toBe('only the size could be compared')
  const unpinned = [...evidence, { kind: 'source-not-pinned' }]
  expect(proofWords({ verdict: 'size-only', evidence: unpinned })).toBe('the source may have changed on the way')
  expect(proofWords({ verdict: 'mismatch', evidence })).toBe('checksum does not match')
  expect(proofWords(null)).toBe('')
})

test('a folder is the key without the name of the file', () => {
  expect(folderOf({ bucketName: 'media', key: 'iso/old/a.iso' })).toBe('media/iso/old/')
  expect(folderOf({ bucketName: 'media', key: 'a.iso' })).toBe('media/')
})

test('how long it took is known once it ended', () => {
  const startedAt = new Date(1000)
  expect(tookSeconds({ startedAt, finishedAt: new Date(3500) })).toBe(2.5)
  expect(tookSeconds({ startedAt, finishedAt: null })).toBeNull()
})
