import { expect, test } from 'vitest'
import { createStatementNames } from './statement-names.ts'

test('a text has a name of its own from its second time on', () => {
  const nameOf = createStatementNames()
  expect([nameOf({ sql: 'a' }), nameOf({ sql: 'b' })]).toEqual(['', ''])
  const [a, b] = [nameOf({ sql: 'a' }), nameOf({ sql: 'b' })]
  expect(a).not.toBe('')
  expect(b).not.toBe('')
  expect(a).not.toBe(b)
  expect([nameOf({ sql: 'a' }), nameOf({ sql: 'b' })]).toEqual([a, b])
})

test('texts without end are not all given names, and those that have one keep it', () => {
  const nameOf = createStatementNames()
  nameOf({ sql: 'hot' })
  const hot = nameOf({ sql: 'hot' })
  const names = new Set<string>()
  for (let index = 0; index < 1_000; index++) {
    nameOf({ sql: `text ${index}` })
    names.add(nameOf({ sql: `text ${index}` }))
  }
  names.delete('')
  expect(names.size).toBe(63)
  expect(names.has(hot)).toBe(false)
  expect(nameOf({ sql: 'hot' })).toBe(hot)
})

test('texts that come once do not keep others from a name', () => {
  const nameOf = createStatementNames()
  for (let index = 0; index < 10_000; index++) expect(nameOf({ sql: `once ${index}` })).toBe('')
  nameOf({ sql: 'twice' })
  expect(nameOf({ sql: 'twice' })).not.toBe('')
})
