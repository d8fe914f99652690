import { afterEach, describe, expect, test } from 'vitest'
import { signTarget } from '../../server/signed-link.ts'
import { openRangeFixture, type RangeFixture, TEST_ORIGIN } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture.close())

const GOOD = 'sluice_a-good-token'

describe('with a token', () => {
  test('a valid one reads, and is looked up once', async () => {
    let lookups = 0
    const checkToken = async (token: string) => {
      lookups++
      return token === GOOD
    }
    fixture = await openRangeFixture({ origin: { access: 'token' }, checkToken })
    fixture.serve('/a', { sizeBytes: 10 })
    for (let time = 0; time < 3; time++) {
      const answer = await fixture.get('/a', { authorization: `Bearer ${GOOD}` })
      expect(answer.status).toBe(200)
      expect(answer.headers['cache-control']).toMatch(/^private/)
    }
    expect(lookups).toBe(1)
    for (const { headers } of fixture.hostile.requests('/a')) expect(headers.authorization).toBeUndefined()
  })

  test.each([undefined, 'Bearer wrong', 'Basic abc', `Bearer ${GOOD} more`, 'Bearer'])('%s is 401', async (header) => {
    fixture = await openRangeFixture({ origin: { access: 'token' }, checkToken: async (token) => token === GOOD })
    fixture.serve('/a', { sizeBytes: 10 })
    await fixture.get('/a', { authorization: `Bearer ${GOOD}` })
    const answer = await fixture.get('/a', header === undefined ? {} : { authorization: header })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('tokens that cannot be looked up are nobody’s fault, and let nobody in', async () => {
    const checkToken = () => Promise.reject(new Error('away'))
    fixture = await openRangeFixture({ origin: { access: 'token' }, checkToken })
    expect((await fixture.get('/a', { authorization: `Bearer ${GOOD}` })).status).toBe(503)
  })
})

describe('with a signed link', () => {
  const { id: originId, signingKey } = TEST_ORIGIN
  const inAnHour = () => Math.floor(Date.now() / 1000) + 3600
  const link = (target: string, expires = inAnHour()) => `/${signTarget(signingKey, { originId, target }, expires)}`

  const open = async () => {
    fixture = await openRangeFixture({ origin: { access: 'signed' } })
    fixture.serve('/a', { sizeBytes: 10 })
    fixture.serve('/a?v=2', { sizeBytes: 20 })
    fixture.serve('/b', { sizeBytes: 10 })
  }

  test('a valid one reads, with ranges, and what is ours never reaches the origin or the cache', async () => {
    await open()
    expect((await fixture.get(link('a'), { range: 'bytes=0-4' })).status).toBe(206)
    expect((await fixture.get(link('a?v=2'))).body.length).toBe(20)
    const paths = new Set(fixture.hostile.requests().map(({ path }) => path))
    expect([...paths].sort()).toEqual(['/a', '/a?v=2'])
    expect([...fixture.cache.records.values()].map(({ path }) => path).join()).not.toContain('sluice')
    const before = fixture.hostile.requests().length
    expect((await fixture.get(link('a', inAnHour() + 5))).status).toBe(200)
    expect(fixture.hostile.requests()).toHaveLength(before)
  })

  test('none, an expired one, a changed one and one for another file are 403', async () => {
    await open()
    const good = link('a')
    const bad = [
      '/a',
      link('a', 1_000_000_000),
      good.replace('/a', '/b'),
      `${good}&sluice-expires=99999999999`,
      `${good}x`,
    ]
    for (const path of bad) expect([path, (await fixture.get(path)).status]).toEqual([path, 403])
    expect(fixture.hostile.requests()).toHaveLength(0)
  })
})

test('a public origin takes our parameters out too', async () => {
  fixture = await openRangeFixture()
  fixture.serve('/a', { sizeBytes: 10 })
  expect((await fixture.get('/a?sluice-signature=x')).status).toBe(200)
  expect(fixture.hostile.requests().every(({ path }) => path === '/a')).toBe(true)
})
