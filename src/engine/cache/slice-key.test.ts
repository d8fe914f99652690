import { expect, it } from 'vitest'
import { objectIdOf, originScopeOf, versionOf } from './slice-key.ts'

const name = { origin: 'o', url: 'https://files.example/secret?sig=hunter2', credentialScope: '' }
const identity = { sizeBytes: 10, etag: '"a"', lastModified: null, sliceSizeBytes: 1024 }

it('gives other ids for other origins, URLs and credentials, and never shows them', () => {
  const ids = [
    objectIdOf(name),
    objectIdOf({ ...name, origin: 'p' }),
    objectIdOf({ ...name, url: `${name.url}3` }),
    objectIdOf({ ...name, credentialScope: 'x' }),
  ]
  expect(new Set(ids).size).toBe(4)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{48}$/)
})

it('begins every id of an origin with its scope', () => {
  expect(objectIdOf(name).startsWith(originScopeOf('o'))).toBe(true)
  expect(objectIdOf({ ...name, origin: 'p' }).startsWith(originScopeOf('o'))).toBe(false)
})

it('gives another version when anything pinned differs, and no two texts run into each other', () => {
  const versions = [
    versionOf(identity),
    versionOf({ ...identity, sizeBytes: null }),
    versionOf({ ...identity, etag: null, lastModified: '"a"' }),
    versionOf({ ...identity, sliceSizeBytes: 2048 }),
    versionOf({ ...identity, etag: '"b"' }),
  ]
  expect(new Set(versions).size).toBe(5)
  expect(versions[0]).toMatch(/^[0-9a-f]{20}$/)
})
