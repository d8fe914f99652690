import { describe, expect, it } from 'vitest'
import { bucketInputSchema } from './bucket.ts'

const { endpoint } = bucketInputSchema.shape

describe('the endpoint of a bucket', () => {
  it.each([
    'https://s3.eu-central-1.amazonaws.com',
    'http://127.0.0.1:9000/',
    'http://[::1]:9000',
    ' https://a.example ',
  ])('%s is one', (text) => {
    expect(endpoint.parse(text)).toBe(text.trim())
  })

  it.each([
    'http://[',
    'http://a:99999',
    'http://a:0',
    'http://a:b@c',
    'http://a/path',
    'http://a?query',
    'http://a b',
    'http://%00',
    'ftp://a',
    'a',
    '',
  ])('%j is none, and a sentence says why', (text) => {
    expect(endpoint.safeParse(text).error?.issues[0]?.message).toMatch(/^The endpoint .+\.$/)
  })
})
