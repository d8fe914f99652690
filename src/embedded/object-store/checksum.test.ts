import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compositeChecksum, declaredChecksum, parseAlgorithm, parseChecksumType, startChecksum } from './checksum.ts'
import { combineCrcs } from './crc-combine.ts'
import { S3Error } from './s3-error.ts'
import type { ChecksumAlgorithm } from './stored-object.ts'

async function checksumOf(algorithm: ChecksumAlgorithm, ...pieces: Uint8Array[]): Promise<string> {
  const running = startChecksum(algorithm)
  for (const piece of pieces) running.update(piece)
  return running.digest()
}

// The check values of the CRC catalogue for "123456789"; the hashes are those of FIPS 180.
test.each([
  ['crc32', 'cbf43926'],
  ['crc32c', 'e3069283'],
  ['crc64nvme', 'ae8b14860a799888'],
  ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
] as const)('%s of 123456789 is the catalogued value, in one piece or several', async (algorithm, hex) => {
  const expected = Buffer.from(hex, 'hex').toString('base64')
  expect(await checksumOf(algorithm, Buffer.from('123456789'))).toBe(expected)
  expect(await checksumOf(algorithm, Buffer.from('1234'), Buffer.alloc(0), Buffer.from('56789'))).toBe(expected)
})

test.each(['crc32', 'crc32c', 'crc64nvme'] as const)(
  'the %s of parts combines to that of the whole',
  async (algorithm) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }), async (parts) => {
        const runs = await Promise.all(
          parts.map(async (part) => ({ sizeBytes: part.length, crc: await checksumOf(algorithm, part) })),
        )
        expect(combineCrcs(algorithm, runs)).toBe(await checksumOf(algorithm, Buffer.concat(parts)))
      }),
      { numRuns: 60 },
    )
  },
)

test('hashes do not combine, and ten thousand parts of 5 GiB combine at once', () => {
  expect(combineCrcs('sha256', [])).toBeNull()
  const runs = Array.from({ length: 10_000 }, () => ({ sizeBytes: 5 * 1024 ** 3, crc: 'AAECAw==' }))
  expect(combineCrcs('crc32c', runs)).toMatch(/^.{8}$/)
})

test('a composite checksum is that of the checksums, with the number of parts', async () => {
  const [first, second] = [await checksumOf('crc32', Buffer.from('a')), await checksumOf('crc32', Buffer.from('b'))]
  const both = Buffer.concat([Buffer.from(first, 'base64'), Buffer.from(second, 'base64')])
  expect(await compositeChecksum('crc32', [first, second])).toBe(`${await checksumOf('crc32', both)}-2`)
})

test('only one well-formed checksum may be declared', () => {
  const declared = (headers: Record<string, string>) => declaredChecksum((name) => headers[name])
  expect(declared({})).toBeNull()
  expect(declared({ 'x-amz-checksum-crc32': 'AAECAw==' })).toEqual({ algorithm: 'crc32', value: 'AAECAw==' })
  expect(declared({ 'x-amz-trailer': 'x-amz-checksum-sha1' })).toEqual({ algorithm: 'sha1', value: null })
  expect(() => declared({ 'x-amz-checksum-crc32': 'AAECAw==', 'x-amz-checksum-crc32c': 'AAECAw==' })).toThrow(S3Error)
  expect(() => declared({ 'x-amz-checksum-crc32': 'AAEC' })).toThrow(S3Error)
  expect(() => declared({ 'x-amz-trailer': 'x-other' })).toThrow(S3Error)
})

test('algorithms and types go together as S3 says', () => {
  expect(parseAlgorithm('CRC64NVME')).toBe('crc64nvme')
  expect(() => parseAlgorithm('MD5')).toThrow(S3Error)
  expect([parseChecksumType(undefined, null), parseChecksumType(undefined, 'crc32')]).toEqual([null, 'COMPOSITE'])
  expect(parseChecksumType(undefined, 'crc64nvme')).toBe('FULL_OBJECT')
  expect(() => parseChecksumType('FULL_OBJECT', 'sha256')).toThrow(S3Error)
  expect(() => parseChecksumType('COMPOSITE', 'crc64nvme')).toThrow(S3Error)
  expect(() => parseChecksumType('FULL_OBJECT', null)).toThrow(S3Error)
})
