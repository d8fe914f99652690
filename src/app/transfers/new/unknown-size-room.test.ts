import { expect, test } from 'vitest'
import { MIB } from '../../../server/domain/bytes.ts'
import { unknownSizeRoom } from './unknown-size-room.ts'

test('tells the room of the part size that Sluice chooses, and how to have more', () => {
  expect(unknownSizeRoom(null)).toMatch(/^Up to 625\.0 GiB will fit, in 10,000 parts of 64\.0 MiB\. A larger part size/)
})

test('tells the room of an own part size, as the engine rounds it', () => {
  expect(unknownSizeRoom(255 * MIB)).toBe('Up to 2.44 TiB will fit, in 10,000 parts of 256.0 MiB.')
  expect(unknownSizeRoom(5 * MIB)).toBe('Up to 58.6 GiB will fit, in 10,000 parts of 6.00 MiB.')
})
