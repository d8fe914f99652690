import { describe, expect, it } from 'vitest'
import { sourceHeadersSchema } from './inspection.ts'

describe('headers for a source', () => {
  it.each(['Bearer abc', 'tab\tand space', 'größe', ''])('may have the value %j', (value) => {
    expect(sourceHeadersSchema.parse({ authorization: value })).toEqual({ authorization: value })
  })

  it.each(['a\nb', 'a\r\nHost: evil', 'a\0', '“curly”', '☃'])(
    'may not have the value %j, and a sentence says why',
    (value) => {
      const issue = sourceHeadersSchema.safeParse({ authorization: value }).error?.issues[0]
      expect(issue?.message).toMatch(/^A header value has no .+\.$/)
    },
  )

  it.each(['a b', 'a:b', 'ä', '', 'a\r\nb'])('may not have the name %j', (name) => {
    expect(sourceHeadersSchema.safeParse({ [name]: 'x' }).success).toBe(false)
  })
})
