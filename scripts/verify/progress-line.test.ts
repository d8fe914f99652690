import { expect, it } from 'vitest'
import { progressLine } from './progress-line.ts'

const MIB = 1024 * 1024

it('says how far a read-back is, and nothing where none goes on', () => {
  const reading = { readingBack: { readBytes: 10 * MIB }, sizeBytes: 40 * MIB, bytesPerSecond: 2 * MIB, etaSeconds: 15 }
  expect(progressLine(reading)).toBe('25 % · 10.0 MiB of 40.0 MiB · 2.00 MiB/s · 15 s left')
  expect(progressLine({ ...reading, bytesPerSecond: 0, etaSeconds: null })).toBe('25 % · 10.0 MiB of 40.0 MiB')
  // All of it is read: the verdict is not out yet.
  expect(progressLine({ ...reading, readingBack: { readBytes: 40 * MIB } })).toMatch(/^99 %/)
  expect(progressLine({ ...reading, readingBack: null })).toBeNull()
})
