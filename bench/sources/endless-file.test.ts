import { expect, test } from 'vitest'
import { crc32cOf } from '../../src/engine/upload/crc32c.ts'
import { endlessBytes, endlessCrc32c, endlessPath, parseEndlessPath } from './endless-file.ts'

const MIB = 1024 ** 2

function read(index: number, start: number, end: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = start; at < end; at += pieces.at(-1)?.length ?? 0) pieces.push(endlessBytes(index, at, end - at))
  return Buffer.concat(pieces)
}

test('a file has the same bytes however it is cut', () => {
  const whole = read(3, 0, 9 * MIB)
  expect(Buffer.concat([read(3, 0, 4_200_000), read(3, 4_200_000, 9 * MIB)]).equals(whole)).toBe(true)
})

test('aligned pieces of a file differ from each other, and files from one another', () => {
  const pieces = Array.from({ length: 12 }, (_, n) => read(0, n * MIB, n * MIB + 64).toString('hex'))
  const others = Array.from({ length: 12 }, (_, n) => read(n + 1, 0, 64).toString('hex'))
  expect(new Set([...pieces, ...others]).size).toBe(24)
})

test('its checksum is the one of its bytes', () => {
  expect(endlessCrc32c(2, 5 * MIB)).toBe(crc32cOf([read(2, 0, 5 * MIB)]))
})

test('a path tells which file it is', () => {
  expect(parseEndlessPath(endlessPath(10, 7, 4096))).toEqual({ index: 7, sizeBytes: 4096 })
  expect(parseEndlessPath('/etc/passwd')).toBeNull()
})
