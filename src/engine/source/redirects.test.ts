import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../testing/byte-pattern.ts'
import { type HostileBehaviour, redirectTo } from '../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture, outcomeOf, pinnedIdentity } from '../testing/hostile-fixture.ts'
import { createHostileSource, type HostileSource } from '../testing/hostile-source.ts'
import { createAddressGuard } from './address-guard.ts'
import { HTTP_CLIENTS } from './http-client.ts'
import { nextRoute } from './redirects.ts'
import type { SourceTarget } from './source.ts'

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  let fixture: HostileFixture
  let elsewhere: HostileSource
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient })
    elsewhere = await createHostileSource()
  })
  afterEach(async () => {
    await fixture.close()
    await elsewhere.close()
  })

  const noAbort = new AbortController().signal
  const SECRET = { Authorization: 'Bearer canary', Cookie: 'canary=1', 'X-Api-Key': 'canary' }

  const probe = (url: string, headers: SourceTarget['headers'] = {}) => fixture.source.probe({ url, headers }, noAbort)

  function read(target: SourceTarget, startByte = 1000, endByte = 5000, signal = noAbort) {
    return outcomeOf((sink) =>
      fixture.source.readRange({ target, identity: pinnedIdentity(), startByte, endByte, sink, signal }),
    )
  }

  test('a chain of five redirects is followed, one of six is not', async () => {
    for (const hops of [5, 6]) {
      for (let hop = 0; hop < hops; hop++) fixture.hostile.serve(`/${hops}/${hop}`, redirectTo(`${hop + 1}`))
      fixture.hostile.serve(`/${hops}/${hops}`, {})
    }
    expect((await probe(`${fixture.hostile.origin}/5/0`)).identity.acceptsRanges).toBe(true)
    await expect(probe(`${fixture.hostile.origin}/6/0`)).rejects.toMatchObject({
      code: 'too_many_redirects',
      retry: 'never',
    })
  })

  test('an endless redirect ends after five hops with a sentence', async () => {
    const url = fixture.hostile.serve('/circle', redirectTo('/circle'))
    await expect(probe(url)).rejects.toMatchObject({ code: 'too_many_redirects' })
    expect(fixture.hostile.requests()).toHaveLength(6)
  })

  test.each([301, 302, 303, 307, 308])('a %i is followed with a ranged GET', async (status) => {
    fixture.hostile.serve('/there', {})
    expect((await probe(fixture.hostile.serve('/here', redirectTo('/there', status)))).identity.acceptsRanges).toBe(
      true,
    )
    expect(fixture.hostile.requests('/there')[0]).toMatchObject({ method: 'GET', headers: { range: 'bytes=0-0' } })
  })

  test('correctness 27: a Location may be relative, without a scheme, or have raw spaces and UTF-8', async () => {
    const { origin, port } = fixture.hostile
    const bytes = Buffer.from('/dir/ü x').toString('latin1')
    const locations: [string, string][] = [
      ['file name.bin', '/dir/file%20name.bin'],
      ['../up.bin', '/up.bin'],
      [`//127.0.0.1:${port}/noscheme.bin`, '/noscheme.bin'],
      [`${origin}/abs olute.bin#frag`, '/abs%20olute.bin'],
      ['?v=2', '/dir/start?v=2'],
      [bytes, '/dir/%C3%BC%20x'],
    ]
    for (const [location, reached] of locations) {
      fixture.hostile.serve(reached, {})
      const url = fixture.hostile.serve('/dir/start', redirectTo(location))
      expect((await probe(url)).identity.acceptsRanges).toBe(true)
      expect(fixture.hostile.requests().at(-1)?.path).toBe(reached)
    }
  })

  test('correctness 27: headers of the user stay behind when the origin changes, and on every hop after it', async () => {
    fixture.hostile.serve('/back', redirectTo('/last'))
    fixture.hostile.serve('/last', {})
    const there = elsewhere.serve('/there', redirectTo(`${fixture.hostile.origin}/back`))
    const url = fixture.hostile.serve('/start', redirectTo('/second'))
    fixture.hostile.serve('/second', redirectTo(there))
    await probe(url, SECRET)
    for (const path of ['/start', '/second'])
      expect(fixture.hostile.requests(path)[0]?.headers).toMatchObject({
        authorization: 'Bearer canary',
        'x-api-key': 'canary',
      })
    const after = [...elsewhere.requests(), ...fixture.hostile.requests('/back'), ...fixture.hostile.requests('/last')]
    expect(after).toHaveLength(3)
    expect(JSON.stringify(after.map(({ headers }) => headers))).not.toContain('canary')
  })

  test('correctness 27: no Referer goes anywhere', async () => {
    const url = fixture.hostile.serve('/start?sig=canary', redirectTo(elsewhere.serve('/there', {})))
    await probe(url)
    expect(elsewhere.requests()[0]?.headers).not.toHaveProperty('referer')
  })

  test('correctness 27: from https to http nothing is followed that carries headers of the user', () => {
    const guard = createAddressGuard({ allowedNetworks: [], exemptListeners: [] })
    const from = { url: new URL('https://files.example/a'), sendsUserHeaders: true }
    const refused = () => nextRoute(guard, from, 'http://files.example/a?sig=canary', true)
    expect(refused).toThrow(expect.objectContaining({ code: 'redirect_refused' }))
    expect(refused).not.toThrow(/canary/)
    expect(nextRoute(guard, from, 'http://files.example/a', false).url.protocol).toBe('http:')
    expect(nextRoute(guard, from, '/b', true)).toMatchObject({ sendsUserHeaders: true })
    expect(nextRoute(guard, from, 'https://files.example:8443/b', true)).toMatchObject({ sendsUserHeaders: false })
  })

  test.each([
    ['http://169.254.169.254/latest/', 'address_refused'],
    ['http://10.0.0.1/', 'address_refused'],
    ['http://2130706433.example@10.0.0.1/', 'redirect_refused'],
    ['file:///etc/passwd', 'redirect_refused'],
    ['ftp://example.com/f', 'redirect_refused'],
    ['gopher://127.0.0.1:6379/_x', 'redirect_refused'],
    ['http://user:canary@example.com/', 'redirect_refused'],
    ['http://[::ffff:a9fe:a9fe]/', 'address_refused'],
  ])('correctness 28: a redirect to %s is %s', async (location, code) => {
    const failure = await probe(fixture.hostile.serve('/go', redirectTo(location))).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code })
    expect(JSON.stringify([failure, String(failure)])).not.toContain('canary')
  })

  test('a redirect without a Location is a protocol error', async () => {
    await expect(probe(fixture.hostile.serve('/go', { status: 302, body: '' }))).rejects.toMatchObject({
      code: 'source_protocol_error',
    })
  })

  test('where the redirects end is remembered: ranges go there directly', async () => {
    elsewhere.serve('/signed', {})
    const url = fixture.hostile.serve('/start', redirectTo(`${elsewhere.origin}/signed`))
    await probe(url)
    for (let index = 0; index < 5; index++) expect((await read({ url, headers: {} })).error).toBeNull()
    expect(fixture.hostile.requests('/start')).toHaveLength(1)
    expect(elsewhere.requests('/signed')).toHaveLength(6)
  })

  /** A start that redirects to a target which is signed anew each time, and a target that takes only the newest signature. */
  function serveSigned(expiredStatus: number): { url: string; expire: () => void; signings: () => number } {
    let signature = 0
    let valid = 0
    const url = fixture.hostile.serve('/start', () => {
      signature++
      valid = signature
      const path = `/signed?sig=${signature}`
      const mine = signature
      const behaviour: HostileBehaviour = () => (mine === valid ? {} : { status: expiredStatus, body: 'expired' })
      elsewhere.serve(path, behaviour)
      return redirectTo(`${elsewhere.origin}${path}`)
    })
    const expire = () => {
      valid = -1
    }
    return { url, expire, signings: () => signature }
  }

  test.each([401, 403, 410])(
    'correctness 26: a signed target that answers %i is found anew from the URL of the user',
    async (status) => {
      const { url, expire, signings } = serveSigned(status)
      await probe(url)
      expire()
      const { bytes, error } = await read({ url, headers: {} })
      expect(error).toBeNull()
      expect(bytes.equals(patternBytes(1000, 5000))).toBe(true)
      expect(signings()).toBe(2)
    },
  )

  test('correctness 26: twenty reads that meet the expiry together ask for one new signature', async () => {
    const { url, expire, signings } = serveSigned(403)
    await probe(url)
    expire()
    const reads = Array.from({ length: 20 }, (_, index) => read({ url, headers: {} }, index * 100, index * 100 + 100))
    for (const { error } of await Promise.all(reads)) expect(error).toBeNull()
    expect(signings()).toBe(2)
  })

  test('correctness 26: a target that stays forbidden after a new signature fails, without a third', async () => {
    const { url, expire, signings } = serveSigned(403)
    await probe(url)
    expire()
    fixture.hostile.serve('/start', redirectTo(`${elsewhere.origin}/signed?sig=1`))
    expect((await read({ url, headers: {} })).error).toMatchObject({ code: 'source_forbidden' })
    expect(signings()).toBe(1)
    expect(fixture.hostile.requests('/start')).toHaveLength(2)
  })

  test('correctness 26: a reader that is aborted while the target is found anew does not spoil it for the others', async () => {
    const { url, expire } = serveSigned(403)
    await probe(url)
    expire()
    const abort = new AbortController()
    const aborted = read({ url, headers: {} }, 0, 100, abort.signal)
    const other = read({ url, headers: {} }, 100, 200)
    await elsewhere.until(() => elsewhere.requests().length >= 3)
    abort.abort(new Error('user'))
    expect((await other).error).toBeNull()
    const outcome = await aborted
    expect(outcome.error === null || (outcome.error as Error).message === 'user').toBe(true)
  })

  test('where the redirects led to is forgotten once nobody answers there', async () => {
    const gone = await createHostileSource()
    gone.serve('/f', {})
    const url = fixture.hostile.serve('/start', redirectTo(`${gone.origin}/f`))
    await probe(url)
    await gone.close()
    fixture.hostile.serve('/start', redirectTo(elsewhere.serve('/moved', {})))
    expect((await read({ url, headers: {} })).error).toMatchObject({ retry: expect.stringMatching(/now|later/) })
    const next = await read({ url, headers: {} })
    const outcome = next.error === null ? next : await read({ url, headers: {} })
    expect(outcome.bytes.equals(patternBytes(1000, 5000))).toBe(true)
  })

  test('a 403 from the URL of the user itself is final at once', async () => {
    const url = fixture.hostile.serve('/plain', { status: 403, body: '' })
    expect((await read({ url, headers: {} })).error).toMatchObject({ code: 'source_forbidden' })
    expect(fixture.hostile.requests()).toHaveLength(1)
  })

  test('the same URL with other headers remembers its own way', async () => {
    const mine = fixture.hostile.serve('/start', ({ headers }) =>
      redirectTo(headers['x-user'] === 'a' ? '/for-a' : '/for-b'),
    )
    fixture.hostile.serve('/for-a', {})
    fixture.hostile.serve('/for-b', {})
    await probe(mine, { 'X-User': 'a' })
    await probe(mine, { 'X-User': 'b' })
    await read({ url: mine, headers: { 'X-User': 'a' } })
    expect(fixture.hostile.requests('/for-a')).toHaveLength(2)
    expect(fixture.hostile.requests('/for-b')).toHaveLength(1)
  })
})
