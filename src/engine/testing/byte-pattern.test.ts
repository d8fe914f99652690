import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { fillPattern, patternBytes, patternSha256 } from './byte-pattern.ts'

const TIB = 2 ** 40

test('the bytes of a range do not depend on how it is cut', () => {
  for (const start of [0, 1, 7, 1020, 1024, 1_048_570, 5 * TIB - 3]) {
    const whole = patternBytes(start, start + 5000)
    const pieces = [0, 1, 3, 1023, 1024, 1031, 2048, 4999, 5000]
    const joined = Buffer.concat(
      pieces.slice(1).map((end, index) => patternBytes(start + (pieces[index] ?? 0), start + end)),
    )
    expect(joined.equals(whole)).toBe(true)
  }
})

test('no two blocks are alike, not even a mebibyte or 4 TiB apart', () => {
  const seen = new Set<string>()
  for (const start of [0, 1024, 2048, 1_048_576, 2_097_152, 4 * TIB, 4 * TIB + 1024])
    seen.add(patternBytes(start, start + 1024).toString('hex'))
  expect(seen.size).toBe(7)
})

test('another seed is another file', () => {
  expect(patternBytes(0, 4096, 1).equals(patternBytes(0, 4096, 2))).toBe(false)
})

test('the SHA-256 of the first n bytes is that of the bytes themselves', () => {
  for (const size of [0, 1, 1_048_576, 3_000_001]) {
    const expected = createHash('sha256').update(patternBytes(0, size)).digest('hex')
    expect(patternSha256(size)).toBe(expected)
  }
})

test('the pattern never changes, because digests of it are written down elsewhere', () => {
  expect(patternSha256(1_000_000)).toBe('fb447d0055962d2f8eba2dc81cf5f5abadc22a9d0c3492c11866625dcdbb29d4')
})

test('filling is fast enough to never be what limits a test', () => {
  const buffer = Buffer.allocUnsafe(8 * 1024 * 1024)
  fillPattern(buffer, 0)
  const rates = [1, 2, 3, 4, 5].map((round) => {
    const before = process.threadCpuUsage()
    for (let index = 0; index < 4; index++) fillPattern(buffer, (round * 4 + index) * buffer.length)
    const { user, system } = process.threadCpuUsage(before)
    return (4 * buffer.length) / (user + system) / 1e3
  })
  // GB for each second of this thread, whoever else has the processor; a loop per byte would stay below 0.5.
  expect(Math.max(...rates)).toBeGreaterThan(1)
})
