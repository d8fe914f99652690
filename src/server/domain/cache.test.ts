import { expect, it } from 'vitest'
import { type CacheObject, mergeObjects, uniteRuns } from './cache.ts'

const object: CacheObject = {
  objectId: 'a'.repeat(48),
  originId: null,
  originName: 'films',
  path: 'film.mp4',
  sizeBytes: 1000,
  sliceSizeBytes: 64,
  etag: '"1"',
  lastModified: null,
  cachedBytes: 128,
  memory: [[0, 2]],
  disk: [],
  hits: 3,
  storedAtMs: 10,
  lastAccessAtMs: 10,
}

it('unites runs that touch, overlap or lie in each other', () => {
  expect(
    uniteRuns(
      [
        [0, 2],
        [5, 9],
      ],
      [
        [2, 3],
        [6, 7],
        [12, 13],
      ],
    ),
  ).toEqual([
    [0, 3],
    [5, 9],
    [12, 13],
  ])
  expect(uniteRuns([], [])).toEqual([])
})

it('shows an object that two engines have once, with the slices of both', () => {
  const other = {
    ...object,
    memory: [[4, 5]] as [number, number][],
    disk: [[0, 1]] as [number, number][],
    hits: 4,
    lastAccessAtMs: 20,
  }
  expect(
    mergeObjects([
      { engineId: 'x', items: [object] },
      { engineId: 'y', items: [other] },
    ]),
  ).toMatchObject([
    {
      memory: [
        [0, 2],
        [4, 5],
      ],
      disk: [[0, 1]],
      hits: 7,
      lastAccessAtMs: 20,
      engines: ['x', 'y'],
    },
  ])
})

it('never mixes the slices of two versions: the newer is shown', () => {
  const newer = { ...object, etag: '"2"', storedAtMs: 20, memory: [[7, 8]] as [number, number][] }
  for (const pages of [
    [object, newer],
    [newer, object],
  ])
    expect(mergeObjects(pages.map((item, n) => ({ engineId: String(n), items: [item] })))).toMatchObject([
      { etag: '"2"', memory: [[7, 8]] },
    ])
})
