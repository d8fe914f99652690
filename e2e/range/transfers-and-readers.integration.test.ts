import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patternBytes } from '../../src/engine/testing/byte-pattern.ts'
import { SMALL_BYTES } from '../../src/engine/transfer/one-request.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { type ApiWithEngine, startApiWithEngine } from '../stack/api-with-engine.ts'
import { until } from '../stack/until.ts'

const SIZE = 24 * MIB
/** The first contact of a transfer asks for what a small file has, and hangs up; kernels on both sides may have taken all of that. */
const PROBE_BYTES = SMALL_BYTES

describe('a file that is published and transferred', () => {
  let stack: ApiWithEngine
  let bucketId = ''
  let files = ''
  beforeAll(async () => {
    stack = await startApiWithEngine({ exemptSource: true, env: { SLUICE_CACHE_MEMORY: '128MiB' } })
    bucketId = (await stack.api.buckets.save(stack.bucketDraft())).id
    await stack.api.origins.save({
      name: 'media',
      baseUrl: `${stack.source.origin}/media`,
      access: 'public',
      ttlSeconds: 3600,
    })
    files = await until('the origin', async () => (await stack.api.origins.list())[0]?.url ?? null)
  })
  afterAll(() => stack.close())

  const read = async (name: string) =>
    until(`${name} to be served`, async () => {
      const answer = await fetch(`${files.replace(/\/$/, '')}/${name}`)
      const body = Buffer.from(await answer.arrayBuffer())
      return answer.status === 200 ? body : null
    })
  const transfer = async (name: string) => {
    const { id } = await stack.api.transfers.create({ sourceUrl: `${stack.source.origin}/media/${name}`, bucketId })
    return stack.story(id)
  }

  test('is read out of the cache of its readers', async () => {
    stack.source.serve('/media/watched.mp4', { sizeBytes: SIZE })
    expect((await read('watched.mp4')).equals(patternBytes(0, SIZE))).toBe(true)
    const sentBytes = stack.source.bytesSent('/media/watched.mp4')
    expect(sentBytes).toBe(SIZE)
    const done = await transfer('watched.mp4')
    expect(done).toMatchObject({ status: 'completed', verification: { verdict: 'verified' } })
    expect(done.metrics).toMatchObject({ sourceBytes: 0, cacheBytes: SIZE })
    expect(stack.source.bytesSent('/media/watched.mp4')).toBeLessThanOrEqual(SIZE + PROBE_BYTES)
  })

  test('is read once for a reader and a transfer at the same time', async () => {
    stack.source.serve('/media/live.mp4', { sizeBytes: SIZE, bytesPerSecond: 2 * MIB })
    const reading = read('live.mp4')
    await stack.source.until(() => stack.source.requests('/media/live.mp4').length > 0)
    const [body, done] = await Promise.all([reading, transfer('live.mp4')])
    expect(body.equals(patternBytes(0, SIZE))).toBe(true)
    expect(done).toMatchObject({ status: 'completed', verification: { verdict: 'verified' } })
    expect(done.metrics.sourceBytes + done.metrics.cacheBytes).toBe(SIZE)
    // What both had under way before they knew of each other is read twice.
    expect(stack.source.bytesSent('/media/live.mp4')).toBeLessThan(SIZE * 1.5)
  })
})
