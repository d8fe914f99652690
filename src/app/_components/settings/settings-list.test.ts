import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { settingGroups } from './settings-list.ts'

test('no setting shows a secret, and each says whether it was set', () => {
  const groups = settingGroups({
    DATABASE_URL: 'postgresql://someone:hunter2@db.example.org:5432/sluice',
    SLUICE_SECRET_KEY: 'k'.repeat(40),
    SLUICE_ADMIN_TOKEN: 't'.repeat(30),
    SLUICE_REDIS_URL: 'redis://:rrrr@cache.internal:6379',
    MAX_CONCURRENT_UPLOADS: '4',
  })
  const text = JSON.stringify(groups)
  for (const secret of ['hunter2', 'someone', 'kkkk', 'tttt', 'rrrr']) expect(text).not.toContain(secret)
  const all = groups.flatMap((group) => group.settings)
  expect(all.find(({ name }) => name === 'DATABASE_URL')).toMatchObject({
    value: 'db.example.org:5432/sluice',
    isDefault: false,
  })
  expect(all.find(({ name }) => name === 'MAX_CONCURRENT_UPLOADS')).toMatchObject({ value: '4', isDefault: false })
  expect(all.find(({ name }) => name === 'SLUICE_PROFILE')).toMatchObject({ isDefault: true })
})

test('what follows from another setting was not set itself', () => {
  const all = settingGroups({ PORT: '3410', SLUICE_PROFILE: 'low-memory', SLUICE_LEASE_MS: '30000' }).flatMap(
    ({ settings }) => settings,
  )
  expect(all.find(({ name }) => name === 'SLUICE_PUBLIC_URL')?.value).toBe('http://localhost:3410')
  expect(all.find(({ name }) => name === 'SLUICE_SLICE_SIZE')?.value).toBe('512.0 KiB')
  expect(all.filter(({ isDefault }) => !isDefault).map(({ name }) => name)).toEqual(['PORT', 'SLUICE_PROFILE'])
})

test('every setting of the README is shown, but the keys of the embedded store', () => {
  const readme = readFileSync('README.md', 'utf8')
  const named = [...readme.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, name]) => name)
  const shown = settingGroups({}).flatMap(({ settings }) => settings.map(({ name }) => name))
  expect(named.filter((name) => name && !shown.includes(name))).toEqual([
    'SLUICE_EMBEDDED_S3_ACCESS_KEY',
    'SLUICE_EMBEDDED_S3_SECRET_KEY',
  ])
  expect(shown.filter((name) => !named.includes(name))).toEqual([])
})
