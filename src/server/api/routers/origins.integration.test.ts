import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ApiHarness, addEngine, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { newId } from '../../db/new-id.ts'
import { saveLearnedLanes } from '../../db/origins.ts'
import { loadServedOrigins, signingKeyOf } from '../../db/published-origins.ts'
import { createSealer } from '../../secrets.ts'
import { splitTarget, verifyLink } from '../../signed-link.ts'

let harness: ApiHarness
let api: ApiHarness['api']

beforeAll(async () => {
  harness = await startApi()
  api = harness.api
})
afterAll(() => harness.close())
beforeEach(async () => {
  await harness.db.publishedOrigin.deleteMany()
  await harness.db.cachePurge.deleteMany()
  await harness.db.engine.deleteMany()
})

const CANARY = 'Bearer canary-of-an-origin'
const input = (over: Record<string, unknown> = {}) => ({
  name: 'films',
  baseUrl: 'https://files.example.org/public/',
  access: 'public' as const,
  ...over,
})
const load = () => loadServedOrigins(harness.db, harness.services.sealer)

it('saves an origin with sealed headers, shows only their names, and gives them to the engine', async () => {
  const { id } = await api.origins.save(input({ headers: { Authorization: CANARY, 'X-Api': 'k' }, ttlSeconds: 60 }))
  const list = await api.origins.list()
  expect(list).toMatchObject([
    {
      id,
      name: 'films',
      baseUrl: 'https://files.example.org/public',
      headerNames: ['authorization', 'x-api'],
      ttlSeconds: 60,
      heuristicFreshness: false,
      learnedLanes: null,
      stats: null,
      problem: null,
      url: null,
    },
  ])
  const row = await harness.db.publishedOrigin.findUniqueOrThrow({ where: { id } })
  for (const shown of [list, { ...row, sizeCapBytes: null }]) expect(JSON.stringify(shown)).not.toContain('canary')
  expect(list[0]).not.toHaveProperty('signingKeySealed')
  expect((await load()).origins).toMatchObject([{ id, headers: { authorization: CANARY, 'x-api': 'k' } }])
})

it('keeps headers that are left out, and gives cached objects another scope when they change', async () => {
  const { id } = await api.origins.save(input({ headers: { Authorization: CANARY } }))
  const scope = async () => (await load()).origins[0]?.credentialScope
  const before = await scope()
  await api.origins.save(input({ id, ttlSeconds: 5 }))
  expect(await scope()).toBe(before)
  await api.origins.save(input({ id, headers: { authorization: `${CANARY}2` } }))
  expect(await scope()).not.toBe(before)
  expect(await scope()).toMatch(/^[0-9a-f]{64}$/)
  await api.origins.save(input({ id, headers: {} }))
  expect((await load()).origins).toMatchObject([
    { headers: {}, credentialScope: '', signingKey: { id: expect.any(String) } },
  ])
})

it('keeps the HTTP version of each, shows it, and gives it to the engine', async () => {
  const { id } = await api.origins.save(input({ httpVersion: '2' }))
  await api.origins.save(input({ name: 'other' }))
  expect(await api.origins.list()).toMatchObject([{ httpVersion: '2' }, { name: 'other', httpVersion: '1.1' }])
  expect((await load()).origins.map(({ httpVersion }) => httpVersion)).toEqual(['2', '1.1'])
  await api.origins.save(input({ id }))
  expect((await load()).origins.map(({ httpVersion }) => httpVersion)).toEqual(['1.1', '1.1'])
})

it('may publish one host twice, and shows the lanes that were learned of it', async () => {
  await saveLearnedLanes(harness.db, 'https://files.example.org:443', 24)
  await api.origins.save(input())
  await api.origins.save(input({ name: 'films-2', access: 'token' }))
  expect(await api.origins.list()).toMatchObject([
    { name: 'films', learnedLanes: 24 },
    { name: 'films-2', learnedLanes: 24, access: 'token' },
  ])
})

it('refuses a name that is taken and an origin that is not there, and tells the engines of every change', async () => {
  const hints = harness.services.notifications.hints('sluice_origins')
  const { id } = await api.origins.save(input())
  await hints.next(20_000)
  hints.close()
  expect(await failureOf(api.origins.save(input()))).toMatchObject({
    code: 'invalid_input',
    message: 'There is already an origin named "films". Choose another name.',
  })
  expect(await failureOf(api.origins.save(input({ id: newId(), name: 'x' })))).toMatchObject({ code: 'not_found' })
  await api.origins.remove({ id })
  expect(await failureOf(api.origins.remove({ id }))).toMatchObject({ code: 'not_found' })
  expect(await api.origins.list()).toEqual([])
  expect(await harness.db.cachePurge.findMany()).toMatchObject([{ target: { originId: id } }])
})

it('serves the others when the secrets of one cannot be opened', async () => {
  const { id } = await api.origins.save(input())
  const other = createSealer('another key that is also long enough')
  const { origins, unserved } = await loadServedOrigins(harness.db, other)
  expect(origins).toEqual([])
  expect(unserved).toEqual([{ id, name: 'films', message: expect.stringContaining('SLUICE_SECRET_KEY') }])
  expect(JSON.stringify(unserved)).not.toContain('v1.')

  // What an engine says of it is on the page.
  const engineId = await addEngine(harness.db)
  const { stats } = await harness.db.engine.findUniqueOrThrow({ where: { id: engineId } })
  await harness.db.engine.update({
    where: { id: engineId },
    data: { stats: { ...Object(stats), unservedOrigins: unserved } },
  })
  expect(await api.origins.list()).toMatchObject([{ stats: null, problem: unserved[0]?.message }])
})

it('signs a link that leads to an engine, holds for one file, and ends', async () => {
  const { id } = await api.origins.save(input({ access: 'signed' }))
  expect(await failureOf(api.origins.signLink({ originId: id, path: 'a.mp4', expiresInSeconds: 60 }))).toMatchObject({
    code: 'no_engine',
  })
  await addEngine(harness.db)
  const { url, expiresAt } = await api.origins.signLink({
    originId: id,
    path: '/new film.mp4?v=2',
    expiresInSeconds: 60,
  })
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:3001\/o\/films\/new%20film\.mp4\?v=2&sluice-expires=\d+&sluice-key=/)
  const { target, link } = splitTarget(url.slice('http://127.0.0.1:3001/o/films/'.length))
  const { key } = await signingKeyOf(harness.db, harness.services.sealer, id)
  const end = expiresAt.getTime() / 1000
  expect(target).toBe('new%20film.mp4?v=2')
  expect(verifyLink(key, { originId: id, target }, link, end - 1)).toBe('valid')
  expect(verifyLink(key, { originId: id, target }, link, end)).toBe('expired')
})

it('begins links with the public address of the engines where there is one, whether or not an engine runs', async () => {
  const services = { ...harness.services, enginePublicUrl: 'https://files.example.org/media' }
  const behind = harness.callWith({ services })
  const { id } = await api.origins.save(input({ access: 'signed' }))
  expect(await behind.origins.list()).toMatchObject([{ url: 'https://files.example.org/media/o/films/' }])
  const { url } = await behind.origins.signLink({ originId: id, path: 'take #3.mov', expiresInSeconds: 60 })
  expect(url).toMatch(/^https:\/\/files\.example\.org\/media\/o\/films\/take%20%233\.mov\?sluice-expires=/)
  await addEngine(harness.db)
  expect(await behind.origins.list()).toMatchObject([{ url: 'https://files.example.org/media/o/films/' }])
})

it.each(['', '/', '//', 'https://files.example.org/a', 'a?sluice-key=x'])(
  'signs no link for the path %j',
  async (path) => {
    const { id } = await api.origins.save(input())
    await addEngine(harness.db)
    expect(await failureOf(api.origins.signLink({ originId: id, path, expiresInSeconds: 60 }))).toMatchObject({
      code: 'invalid_input',
    })
  },
)
