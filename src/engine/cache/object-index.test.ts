import { expect, it } from 'vitest'
import { ObjectIndex, runsOf } from './object-index.ts'
import { keyOf, recordOf } from './testing/slices.ts'

it('tells which slices are there as runs, in order, whatever order they came in', () => {
  expect(runsOf([5, 1, 2, 9, 3, 8])).toEqual([
    [1, 4],
    [5, 6],
    [8, 10],
  ])
  expect(runsOf([])).toEqual([])
})

it('pages through objects, the latest used first, and finds by origin and path', () => {
  const index = new ObjectIndex()
  for (const [at, name] of ['one.mp4', 'two.mp4', 'three.iso'].entries()) {
    const object = index.add('memory', keyOf(name, 2), 64)
    // The range server writes a path as it is in a URL, with its slash.
    object.record = recordOf(name, { path: `/${name}` })
    object.lastAccessAtMs = at
  }
  const first = index.page({ limit: 2 })
  expect(first.items.map(({ path }) => path)).toEqual(['three.iso', 'two.mp4'])
  expect(first).toMatchObject({ total: 3, nextCursor: '2' })
  expect(index.page({ limit: 2, cursor: '2' })).toMatchObject({ items: [{ path: 'one.mp4' }], nextCursor: null })
  expect(index.page({ limit: 9, search: 'FILMS/t' }).items).toHaveLength(2)
})

it('shows the slices of the version in the record, and counts one that is in both tiers once', () => {
  const index = new ObjectIndex()
  index.of(keyOf('film', 0).objectId).record = recordOf('film')
  index.add('memory', keyOf('film', 0), 64)
  index.add('disk', keyOf('film', 0), 64)
  index.add('disk', keyOf('film', 4), 64)
  index.add('disk', keyOf('film', 1, { etag: 'old' }), 64)
  expect(index.page({ limit: 1 }).items).toMatchObject([
    {
      memory: [[0, 1]],
      disk: [
        [0, 1],
        [4, 5],
      ],
      cachedBytes: 128,
    },
  ])
})

it('counts on from what is known from before, and keeps the time of one that is in use', () => {
  const index = new ObjectIndex()
  const [before, used] = [keyOf('before', 0).objectId, keyOf('used', 0).objectId]
  Object.assign(index.of(used), { hits: 2, lastAccessAtMs: 900 })
  for (const objectId of [before, used]) index.remember(objectId, { hits: 5, lastAccessAtMs: 100 })
  expect(index.get(before)).toMatchObject({ hits: 5, lastAccessAtMs: 100 })
  expect(index.get(used)).toMatchObject({ hits: 7, lastAccessAtMs: 900 })
})

it('keeps records of objects without slices up to a bound, and says which it forgot', () => {
  const forgotten: string[] = []
  const index = new ObjectIndex((id) => forgotten.push(id))
  const kept = keyOf('kept', 0)
  index.add('memory', kept, 1)
  for (let n = 0; n < 10_002; n++) index.of(String(n)).record = recordOf('film')
  expect(forgotten).toEqual(['0', '1'])
  expect(index.get(kept.objectId)).toBeDefined()
  expect(index.size).toBe(10_001)
})
