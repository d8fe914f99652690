import { expect, it } from 'vitest'
import { Eviction } from './eviction.ts'

const OBJECT = 'a'.repeat(48)
const VERSION = 'b'.repeat(20)
const entry = (index: number, bytes: number) => ({
  key: { objectId: OBJECT, version: VERSION, index },
  bytes,
  storedAtMs: 0,
  touchedAtMs: 0,
})
const indices = (entries: Iterable<{ readonly key: { readonly index: number } }>) =>
  [...entries].map(({ key }) => key.index)

it('lets the longest unused go where there are more tiny entries than memory should remember, however few bytes they are', () => {
  const eviction = new Eviction(2_000 * 64 * 1024, 1_000)
  for (let index = 0; index < 2_000; index++) eviction.add(entry(index, 10))
  expect(indices(eviction.surplus())).toEqual([])
  eviction.use(entry(0, 10).key)
  expect(indices(eviction.surplus(10))).toEqual([1])
  eviction.add(entry(2_000, 10))
  expect(indices(eviction.surplus(10))).toEqual([1, 2])
})

it('goes by bytes where entries are large, and keeps a thousand tiny ones in the smallest tier', () => {
  const large = new Eviction(100, 1_000)
  for (let index = 0; index < 3; index++) large.add(entry(index, 40))
  expect(indices(large.surplus())).toEqual([0])
  expect(indices(large.surplus(40))).toEqual([0, 1])
  const tiny = new Eviction(10_000, 1_000)
  for (let index = 0; index < 1_000; index++) tiny.add(entry(index, 1))
  expect(indices(tiny.surplus())).toEqual([])
  expect(indices(tiny.surplus(1))).toEqual([0])
})
