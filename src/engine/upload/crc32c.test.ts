import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseCrc32c } from '../cache/update-crc32c.ts'
import { combineCrc32c, crc32cOf, decodeCrc32c, encodeCrc32c, updateCrc32c, updateCrc32cByTable } from './crc32c.ts'

describe('CRC32C', () => {
  it('gives the check value of the standard for 123456789', () => {
    expect(updateCrc32c(Buffer.from('123456789'), 0)).toBe(0xe3069283)
    expect(updateCrc32cByTable(Buffer.from('123456789'), 0)).toBe(0xe3069283)
    expect(crc32cOf([Buffer.from('1234'), Buffer.from('56789')])).toBe('4waSgw==')
    expect(crc32cOf([])).toBe('AAAAAA==')
  })

  it.each([['aws-crt/dist/native/checksums.js'], ['@node-rs/crc32'], ['a-package-that-is-not-there']])(
    'gives the same with %s and with the table, wherever the bytes are cut and lie',
    (name) => {
      const update = chooseCrc32c([name])
      expect(update === updateCrc32cByTable).toBe(name === 'a-package-that-is-not-there')
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), fc.nat(9), (bytes, cut, offset) => {
          const buffer = new ArrayBuffer(bytes.length + offset)
          const moved = new Uint8Array(buffer, offset)
          moved.set(bytes)
          const pieces = [moved.subarray(0, cut), moved.subarray(cut)]
          const byTable = updateCrc32cByTable(bytes, 0)
          expect(pieces.reduce((crc, piece) => update(piece, crc), 0)).toBe(byTable)
          expect(update(moved, 0)).toBe(byTable)
          expect(crc32cOf(pieces)).toBe(encodeCrc32c(byTable))
        }),
      )
    },
  )

  it('is computed by the fastest module, which is built for the machines that tests run on', () => {
    expect(updateCrc32c).toBe(chooseCrc32c(['aws-crt/dist/native/checksums.js']))
  })

  it('combines the values of parts into the value of the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 8 }), (parts) => {
        const values = parts.map((part) => ({ crc32c: crc32cOf([part]), sizeBytes: part.length }))
        expect(combineCrc32c(values)).toBe(crc32cOf(parts))
      }),
    )
  })

  it('combines parts whose sizes pass 2^32', () => {
    // Appending n zero bytes twice is appending 2n zero bytes: holds for any n if the arithmetic is right.
    const first = { crc32c: crc32cOf([Buffer.from('abc')]), sizeBytes: 3 }
    const zeros = (sizeBytes: number) => ({ crc32c: 'AAAAAA==', sizeBytes })
    const size = 2 ** 33 + 5
    expect(combineCrc32c([first, zeros(size), zeros(size)])).toBe(combineCrc32c([first, zeros(2 * size)]))
    expect(combineCrc32c([first, zeros(2 ** 32 + 1)])).not.toBe(combineCrc32c([first, zeros(1)]))
  })

  it('refuses a text that is no CRC32C', () => {
    expect(decodeCrc32c('4waSgw==')).toBe(0xe3069283)
    expect(() => decodeCrc32c('4waS')).toThrow(RangeError)
  })
})
