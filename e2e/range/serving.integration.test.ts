import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patternBytes } from '../../src/engine/testing/byte-pattern.ts'
import { selfSignedCertificate } from '../../src/engine/testing/hostile-certificate.ts'
import { createHostileSource } from '../../src/engine/testing/hostile-source.ts'
import { type ApiWithEngine, startApiWithEngine } from '../stack/api-with-engine.ts'
import { until } from '../stack/until.ts'

const MIB = 1024 * 1024
const SIZE = 5 * MIB

let stack: ApiWithEngine
beforeAll(async () => {
  // The port is a free one, because nobody chose it.
  const env = { SLUICE_BREAKER_OPEN_MS: '2000', SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8' }
  stack = await startApiWithEngine({ exemptSource: true, env })
  stack.source.serve('/public/video.mp4', { sizeBytes: SIZE, headers: { 'content-type': 'video/mp4' } })
})
afterAll(() => stack.close())

const base = { baseUrl: '', access: 'public' as const }
const save = (name: string, more: object = {}) =>
  stack.api.origins.save({ ...base, baseUrl: `${stack.source.origin}/public`, name, ...more })
const urlOf = async (name: string) => {
  const origin = (await stack.api.origins.list()).find((one) => one.name === name)
  return `${origin?.url}`.replace(/\/$/, '')
}
const read = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
}
/** The engine has read the rows. */
const untilStatus = (url: string, status: number, headers: Record<string, string> = {}) =>
  until(`${url} to answer ${status}`, async () => {
    const answer = await read(url, { range: 'bytes=0-9', ...headers })
    return answer.status === status ? answer : null
  })

describe('an origin that is published in the API', () => {
  test('is served by the engine on its port, by ranges and from its cache', async () => {
    await save('media', { ttlSeconds: 3600 })
    const url = `${await urlOf('media')}/video.mp4`
    await untilStatus(url, 206)
    const whole = await read(url)
    expect(whole.status).toBe(200)
    expect(whole.body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(whole.headers.get('content-type')).toBe('video/mp4')
    expect(whole.headers.get('x-content-type-options')).toBe('nosniff')
    const before = stack.source.requests().length
    const part = await read(url, { range: 'bytes=-100' })
    expect(part.body.equals(patternBytes(SIZE - 100, SIZE))).toBe(true)
    expect(stack.source.requests()).toHaveLength(before)
    // A page of another site may play it; it may not read the rest of the engine.
    const foreign = { 'sec-fetch-site': 'cross-site' }
    expect((await read(url, { range: 'bytes=0-9', ...foreign })).status).toBe(206)
    const metrics = new URL('/metrics', url).href
    expect((await read(metrics, foreign)).status).toBe(403)
    const text = (await read(metrics)).body.toString()
    expect(text).toMatch(/sluice_range_requests_total\{origin="media"\} [1-9]/)
    expect(text).toMatch(/sluice_range_hits_total\{origin="media"\} [1-9]/)
  })

  test('tells the dashboard how it does', async () => {
    // A heartbeat may have come before all of that was read.
    const stats = await until('a heartbeat to tell all of it', async () => {
      const media = (await stack.api.origins.list()).find(({ name }) => name === 'media')
      return media?.stats && media.stats.servedBytes > SIZE && media.stats.activeReaders === 0 ? media.stats : null
    })
    expect(stats).toMatchObject({ breaker: 'closed', errors: 0 })
    expect(stats.requests).toBeGreaterThan(0)
    expect(stats.p95Ms).not.toBeNull()
  })

  test('is purged: the next read asks the origin', async () => {
    const url = `${await urlOf('media')}/video.mp4`
    stack.source.serve('/public/video.mp4', { sizeBytes: SIZE, etag: '"v2"', seed: 2 })
    expect((await read(url, { range: 'bytes=0-9' })).headers.get('etag')).toBe('"v1"')
    await stack.api.cache.purge({ target: 'all' })
    const answer = await until('the new version', async () => {
      const now = await read(url)
      return now.headers.get('etag') === '"v2"' ? now : null
    })
    expect(answer.body.equals(patternBytes(0, SIZE, 2))).toBe(true)
  })

  test('follows changes of its settings, and is gone when it is removed', async () => {
    const { id } = await save('moving')
    const url = `${await urlOf('moving')}/video.mp4`
    await untilStatus(url, 206)
    await save('moving', { id, access: 'token' })
    await untilStatus(url, 401)
    const { token } = await stack.api.tokens.create({ name: 'reader' })
    const answer = await read(url, { authorization: `Bearer ${token}`, range: 'bytes=0-9' })
    expect([answer.status, answer.headers.get('cache-control')?.startsWith('private')]).toEqual([206, true])
    await stack.api.origins.remove({ id })
    await untilStatus(url, 404)
  })

  test('gives signed links that open one file until they expire', async () => {
    const { id } = await save('shared', { access: 'signed' })
    await untilStatus(`${await urlOf('shared')}/video.mp4`, 403)
    const { url } = await stack.api.origins.signLink({ originId: id, path: 'video.mp4', expiresInSeconds: 600 })
    expect((await read(url, { range: 'bytes=0-9' })).status).toBe(206)
    expect((await read(url.replace('video.mp4', 'other.mp4'))).status).toBe(403)
  })

  test('is read over HTTP/2 where that was chosen; transfers from it are not', async () => {
    const tls = selfSignedCertificate()
    setDefaultCACertificates([...getCACertificates('default'), tls.cert])
    const source = await createHostileSource({ tls, isHttp2: true })
    const versionsOf = (path: string) => [...new Set(source.requests(path).map(({ httpVersion }) => httpVersion))]
    source.serve('/read.bin', { sizeBytes: SIZE })
    const moved = source.serve('/moved.bin', { sizeBytes: SIZE })
    await stack.api.origins.save({ ...base, name: 'second', baseUrl: source.origin, httpVersion: '2' })
    const url = `${await urlOf('second')}/read.bin`
    await untilStatus(url, 206)
    expect((await read(url)).body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(versionsOf('/read.bin')).toEqual(['2.0'])

    const { id: bucketId } = await stack.api.buckets.save(stack.bucketDraft())
    const { id } = await stack.api.transfers.create({ sourceUrl: moved, bucketId, key: 'moved.bin' })
    expect(await stack.story(id)).toMatchObject({ status: 'completed' })
    expect(versionsOf('/moved.bin')).toEqual(['1.1'])
    await source.close()
  })

  test('that fails is given a rest, and comes back', async () => {
    await save('shaky')
    const url = `${await urlOf('shaky')}/shaky.bin`
    await untilStatus(url, 404)
    stack.source.serve('/public/shaky.bin', { status: 500 })
    await untilStatus(url, 503)
    stack.source.serve('/public/shaky.bin', { sizeBytes: 10 })
    await untilStatus(url, 206)
  })
})
