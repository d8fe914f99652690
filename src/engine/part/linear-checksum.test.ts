import { Crc64Nvme } from '@aws-sdk/crc64-nvme'
import { describe, expect, it } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { appendLinear, combineLinear, encodeLinear, LINEAR_ALGORITHMS, updateLinear } from './linear-checksum.ts'

const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex')

describe.each(LINEAR_ALGORITHMS)('%s', (algorithm) => {
  const bytes = patternBytes(0, 100_003)
  const whole = updateLinear(algorithm, bytes, 0n)
  const of = (start: number, end?: number) => updateLinear(algorithm, bytes.subarray(start, end), 0n)

  it('has the check value of its definition', () => {
    const check = updateLinear(algorithm, Buffer.from('123456789'), 0n)
    expect(hex(encodeLinear(algorithm, check))).toBe({ crc32: 'cbf43926', crc64nvme: 'ae8b14860a799888' }[algorithm])
  })

  it('is the same in pieces of any length as in one', () => {
    for (const step of [1, 7, 8, 9, 4096, 99_999]) {
      let crc = 0n
      for (let at = 0; at < bytes.length; at += step) crc = updateLinear(algorithm, bytes.subarray(at, at + step), crc)
      expect(crc).toBe(whole)
    }
  })

  it('is combined of two pieces wherever they were cut, also where one is empty', () => {
    for (const cut of [0, 1, 8, 65_536, bytes.length - 1, bytes.length])
      expect(appendLinear(algorithm, of(0, cut), of(cut), bytes.length - cut)).toBe(whole)
  })

  it('is combined of parts as the ledger has them, and is not known where one has none', () => {
    const piece = (start: number, end?: number) => ({
      checksum: encodeLinear(algorithm, of(start, end)),
      sizeBytes: (end ?? bytes.length) - start,
    })
    const parts = [piece(0, 40_000), piece(40_000, 80_000), piece(80_000)]
    expect(combineLinear(algorithm, parts)).toBe(encodeLinear(algorithm, whole))
    expect(combineLinear(algorithm, [...parts, { checksum: undefined, sizeBytes: 5 }])).toBeNull()
    expect(combineLinear(algorithm, [{ checksum: 'AAAA', sizeBytes: 5 }])).toBeNull()
  })

  it('combines pieces that are larger than 32 bits can count', () => {
    const half = 5 * 2 ** 30
    const zeros = { checksum: encodeLinear(algorithm, 1n), sizeBytes: half }
    const twice = combineLinear(algorithm, [zeros, zeros])
    expect(twice).toBe(encodeLinear(algorithm, appendLinear(algorithm, 1n, 1n, half)))
    expect(twice).not.toBe(zeros.checksum)
  })
})

it('agrees with the CRC64NVME of the AWS SDK', async () => {
  for (const length of [0, 1, 7, 8, 63, 4097]) {
    const bytes = patternBytes(0, length)
    const theirs = new Crc64Nvme()
    theirs.update(bytes)
    const expected = Buffer.from(await theirs.digest()).toString('base64')
    expect(encodeLinear('crc64nvme', updateLinear('crc64nvme', bytes, 0n))).toBe(expected)
  }
})
