import { expect, test } from 'vitest'
import { climbsOut } from './path-climb.ts'

test.each([
  '..%2fsecret',
  '..%2Fsecret',
  '%2e%2e%2fsecret',
  'x/..%2f../secret',
  'x/..%5c..%5csecret',
  '..%5csecret',
  '%252e%252e%252fsecret',
  '..%25252fsecret',
  '..;/secret',
  '..;a=b%2fsecret',
  '..%3b/secret',
  '%2f..%2f',
  './/..%2f..%2fsecret',
])('%s climbs at a server that decodes before it resolves dots', (target) => {
  expect(climbsOut(target)).toBe(true)
})

test.each([
  '',
  'a.bin',
  'a%2Fb.bin',
  'a/b/..%2f..%2fc.bin',
  'Season%201/..%2fa.bin',
  'a..b/..c/d..',
  '...%2fa',
  '100%25.txt',
  'a;v=1/b',
  'a.bin?path=..%2f..%2fx/../y',
  '%2fa',
])('%s stays below', (target) => {
  expect(climbsOut(target)).toBe(false)
})
