import { expect, test } from 'vitest'
import { checkReadConditions } from './conditions.ts'
import { S3Error } from './s3-error.ts'

const object = { etag: 'abc', modifiedMs: Date.parse('2026-01-02T03:04:05.678Z') }
const [before, exact, after] = [
  'Fri, 02 Jan 2026 03:04:04 GMT',
  'Fri, 02 Jan 2026 03:04:05 GMT',
  'Fri, 02 Jan 2026 03:04:06 GMT',
]

test.each([
  [{}, 'passed'],
  [{ 'if-match': '"abc"' }, 'passed'],
  [{ 'if-match': '*' }, 'passed'],
  [{ 'if-match': '"x", "abc"' }, 'passed'],
  [{ 'if-match': '"x"' }, 'PreconditionFailed'],
  [{ 'if-none-match': '"abc"' }, 'NotModified'],
  [{ 'if-none-match': '*' }, 'NotModified'],
  [{ 'if-none-match': '"x"' }, 'passed'],
  [{ 'if-modified-since': exact }, 'NotModified'],
  [{ 'if-modified-since': after }, 'NotModified'],
  [{ 'if-modified-since': before }, 'passed'],
  [{ 'if-modified-since': 'nonsense' }, 'passed'],
  [{ 'if-unmodified-since': exact }, 'passed'],
  [{ 'if-unmodified-since': before }, 'PreconditionFailed'],
  [{ 'if-match': '"abc"', 'if-unmodified-since': before }, 'passed'],
  [{ 'if-none-match': '"x"', 'if-modified-since': after }, 'passed'],
] as [Record<string, string>, string][])('a read under %o is %s', (headers, verdict) => {
  let result = 'passed'
  try {
    checkReadConditions((name) => headers[name], object, {})
  } catch (error) {
    result = error instanceof S3Error ? error.code : String(error)
  }
  expect(result).toBe(verdict)
})
