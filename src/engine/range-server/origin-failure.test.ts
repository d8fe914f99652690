import { afterEach, describe, expect, test } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { originFailure } from './origin-failure.ts'
import { openRangeFixture, type RangeFixture } from './testing/range-fixture.ts'

let fixture: RangeFixture
afterEach(() => fixture?.close())

const stats = () => fixture.service.stats()[0]

describe('what is told of an origin whose readers get errors', () => {
  test('is nothing before the first answer', async () => {
    fixture = await openRangeFixture()
    expect(stats()).toMatchObject({ recentAnswers: 0, recentErrors: 0, lastFailure: null, breakerUntilMs: null })
  })

  test('is how many of the latest there were, and the sentence of the last, where no breaker sees a fault', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { status: 401 })
    for (let time = 0; time < 7; time++) expect((await fixture.get('/a')).status).toBe(502)
    expect(stats()).toMatchObject({
      breaker: 'closed',
      recentAnswers: 7,
      recentErrors: 7,
      lastFailure: { code: 'source_unauthorized', message: expect.stringContaining('sign-in (401)') },
    })
    fixture.serve('/b', { sizeBytes: 10 })
    await fixture.get('/b', {}, 'HEAD')
    expect(stats()).toMatchObject({ recentAnswers: 8, recentErrors: 7 })
  })

  test('counts the latest alone, and starts anew when the origin is changed', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { status: 404 })
    await fixture.get('/a')
    fixture.serve('/b', { sizeBytes: 10 })
    for (let time = 0; time < 128; time++) await fixture.get('/b', {}, 'HEAD')
    expect(stats()).toMatchObject({ errors: 1, recentAnswers: 128, recentErrors: 0 })
    await fixture.get('/a')
    fixture.publish({ ttlSeconds: 5 })
    expect(stats()).toMatchObject({ errors: 2, recentAnswers: 0, recentErrors: 0, lastFailure: null })
  })

  test('is why the breaker opened, not that it is open; and when it lets the next request through', async () => {
    fixture = await openRangeFixture()
    fixture.serve('/a', { status: 500 })
    const before = Date.now()
    for (let time = 0; time < 6; time++) await fixture.get('/a')
    const { breaker, breakerUntilMs, recentErrors, lastFailure } = stats() ?? {}
    expect({ breaker, recentErrors }).toEqual({ breaker: 'open', recentErrors: 6 })
    expect(lastFailure?.message).toContain('(500)')
    // The clock of the breaker is another than that of the day.
    expect(breakerUntilMs).toBeGreaterThan(before + 59_000)
    expect(breakerUntilMs).toBeLessThan(Date.now() + 61_000)
  })

  test('has none of its secrets', () => {
    const error = new TransferError('source_error', 'It said: Bearer canary-canary, and canary-canary again.')
    const told = originFailure(error, ['Bearer canary-canary', 'canary-canary'])
    expect(told).toMatchObject({ code: 'source_error', message: 'It said: …, and … again.' })
    expect(originFailure(new Error('canary-canary'), [])?.message).not.toContain('canary')
  })
})

test('an origin that cannot be served answers 503 and says nothing of the reason; others go on', async () => {
  fixture = await openRangeFixture()
  const unserved = { id: 'x', name: 'sealed', message: 'Sealed with another key.' }
  fixture.service.update([], [{ ...unserved, name: 'files' }, unserved])
  const answer = await fixture.get('/a')
  expect([answer.status, answer.headers['cache-control']]).toEqual([503, 'no-store'])
  expect(answer.body.toString()).not.toContain('key')
  expect(fixture.service.unserved).toHaveLength(2)
  fixture.publish({})
  expect(fixture.service.unserved).toEqual([])
  fixture.serve('/a', { sizeBytes: 10 })
  expect((await fixture.get('/a')).status).toBe(200)
})
