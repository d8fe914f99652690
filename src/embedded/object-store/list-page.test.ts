import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listPage, type Page, successor } from './list-page.ts'

interface Item {
  readonly key: Buffer
}

const itemsOf = (keys: readonly string[]): Item[] =>
  [...new Set(keys)].map((key) => ({ key: Buffer.from(key) })).sort((a, b) => Buffer.compare(a.key, b.key))

function fetchFrom(items: readonly Item[]) {
  return (from: Buffer, before: Buffer | null, limit: number) =>
    items
      .filter(({ key }) => Buffer.compare(key, from) >= 0 && (!before || Buffer.compare(key, before) < 0))
      .slice(0, limit)
}

/** All pages, one after the other, as a client with continuation tokens reads them. */
function allPages(keys: readonly string[], prefix: string, delimiter: string, limit: number): string[][] {
  const items = itemsOf(keys)
  const pages: string[][] = []
  let after = Buffer.alloc(0)
  for (;;) {
    const page: Page<Item> = listPage(
      { prefix: Buffer.from(prefix), delimiter: Buffer.from(delimiter), after, afterIsShown: after.length > 0, limit },
      fetchFrom(items),
    )
    const names = [...page.items.map((item) => item.key), ...page.commonPrefixes].sort(Buffer.compare)
    pages.push(names.map(String))
    if (!page.next) return pages
    after = Buffer.from(page.next)
  }
}

/** What S3 promises, written down without any paging. */
function expectedNames(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const names = new Set<string>()
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    names.add(at === -1 ? key : key.slice(0, at + delimiter.length))
  }
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

test('pages of any size together hold every name once, in byte order', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'ä', '😀', '￿', '\u0000'), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(
      fc.array(key, { maxLength: 25 }),
      fc.constantFrom('', 'a', 'a/', '/', '😀'),
      fc.constantFrom('', '/', 'a', '//', 'ä'),
      fc.integer({ min: 1, max: 5 }),
      (keys, prefix, delimiter, limit) => {
        const pages = allPages(keys, prefix, delimiter, limit)
        expect(pages.flat()).toEqual(expectedNames(keys, prefix, delimiter))
        for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit)
      },
    ),
    { numRuns: 500 },
  )
})

test('keys are ordered by UTF-8 bytes, not by UTF-16 units', () => {
  expect(allPages(['\u{1f600}', '\uffff', 'z'], '', '', 10)).toEqual([['z', '\uffff', '\u{1f600}']])
})

test('a name to start behind that lies inside a folder still shows the folder, as S3 does', () => {
  const page = listPage(
    { prefix: Buffer.alloc(0), delimiter: Buffer.from('/'), after: Buffer.from('a/1'), afterIsShown: false, limit: 10 },
    fetchFrom(itemsOf(['a/1', 'a/2', 'b'])),
  )
  expect([page.items.map((item) => String(item.key)), page.commonPrefixes.map(String)]).toEqual([['b'], ['a/']])
})

test('a page of no names is empty and is the last', () => {
  const request = {
    prefix: Buffer.alloc(0),
    delimiter: Buffer.alloc(0),
    after: Buffer.alloc(0),
    afterIsShown: false,
    limit: 0,
  }
  expect(listPage(request, fetchFrom(itemsOf(['a'])))).toEqual({ items: [], commonPrefixes: [], next: null })
})

test('the successor of a prefix is behind everything that begins with it', () => {
  expect(successor(Buffer.from('ab'))).toEqual(Buffer.from('ac'))
  expect(successor(Buffer.of(1, 0xff, 0xff))).toEqual(Buffer.of(2))
  expect(successor(Buffer.of(0xff))).toBeNull()
  expect(successor(Buffer.alloc(0))).toBeNull()
})
