import { expect, test } from 'vitest'
import { contentRange, parseCopyRange, parseRange } from './byte-range.ts'
import { S3Error } from './s3-error.ts'

const parsed = (header: string | undefined, sizeBytes: number) => {
  try {
    return parseRange(header, sizeBytes)
  } catch (error) {
    return error instanceof S3Error ? error.code : error
  }
}

test.each([
  ['bytes=0-0', 10, { start: 0, end: 1 }],
  ['bytes=2-5', 10, { start: 2, end: 6 }],
  ['bytes=2-', 10, { start: 2, end: 10 }],
  ['bytes=0-99', 10, { start: 0, end: 10 }],
  ['bytes=-3', 10, { start: 7, end: 10 }],
  ['bytes=-30', 10, { start: 0, end: 10 }],
  ['bytes=10-', 10, 'InvalidRange'],
  ['bytes=-0', 10, 'InvalidRange'],
  ['bytes=0-0', 0, 'InvalidRange'],
  ['bytes=-1', 0, 'InvalidRange'],
  ['bytes=5-2', 10, null],
  ['bytes=-', 10, null],
  ['bytes=0-1,4-5', 10, null],
  ['items=0-1', 10, null],
  ['bytes=a-b', 10, null],
  [undefined, 10, null],
])('the Range %s of %i bytes means %o', (header, sizeBytes, expected) => {
  expect(parsed(header, sizeBytes)).toEqual(expected)
})

test('Content-Range counts the last byte in', () => {
  expect(contentRange({ start: 2, end: 6 }, 10)).toBe('bytes 2-5/10')
})

test('a copy range has to be whole and inside the source', () => {
  expect(parseCopyRange('bytes=0-9', 10)).toEqual({ start: 0, end: 10 })
  for (const header of ['bytes=0-10', 'bytes=5-', 'bytes=-5', 'bytes=6-5', '0-9'])
    expect(() => parseCopyRange(header, 10), header).toThrow(S3Error)
})
