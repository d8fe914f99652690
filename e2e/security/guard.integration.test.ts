import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redirectTo } from '../../src/engine/testing/hostile-behaviour.ts'
import { failureOf } from '../stack/api-harness.ts'
import { type ApiWithEngine, startApiWithEngine } from '../stack/api-with-engine.ts'

/** No private network is allowed; one source and the store are exempt, as the sample origin and the embedded store are. */
let stack: ApiWithEngine
let other: Server
let port: number
let requests = 0
beforeAll(async () => {
  stack = await startApiWithEngine({ exemptSource: true })
  other = createServer((_, response) => {
    requests++
    response.end('secret')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  port = (other.address() as AddressInfo).port
})
afterAll(async () => {
  other?.close()
  await stack?.close()
})

const HOSTS = [
  '127.0.0.1',
  '127.0.0.2',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
  '0',
  '①②⑦.0.0.1',
  '127。0。0。1',
  '127%2e0.0.1',
  'localhost',
  'LOCALHOST.',
  'a.localhost',
  'localhost.localdomain',
  '169.254.169.254',
  'metadata.google.internal',
  '10.0.0.1',
]
const refusal = {
  code: 'address_refused',
  message: expect.stringContaining('SLUICE_ALLOWED_PRIVATE_NETWORKS'),
}

describe('without allowed private networks', () => {
  test.each(HOSTS)('a source at %s is refused with the setting to set', async (host) => {
    const url = `http://${host}:${port}/`
    expect(await failureOf(stack.api.inspections.source({ url }))).toMatchObject(refusal)
  })

  test.each(HOSTS.filter((host) => host !== '127%2e0.0.1'))('a bucket at %s too', async (host) => {
    const draft = stack.bucketDraft({ endpoint: `http://${host}:${port}` })
    expect(await failureOf(stack.api.inspections.bucket({ draft }))).toMatchObject(refusal)
  })

  test('a transfer fails with the same words', async () => {
    const { id: bucketId } = await stack.api.buckets.save(stack.bucketDraft())
    const { id } = await stack.api.transfers.create({ sourceUrl: `http://127.0.0.1:${port}/x`, bucketId })
    expect(await stack.story(id)).toMatchObject({ status: 'failed', failure: { ...refusal, retry: 'never' } })
  })

  test.each(['127.0.0.1', 'localhost', '[::ffff:7f00:1]', '169.254.169.254'])(
    'an exempt source may not redirect to %s',
    async (host) => {
      const url = stack.source.serve(`/to-${host}`, redirectTo(`http://${host}:${port}/`))
      expect(await failureOf(stack.api.inspections.source({ url }))).toMatchObject(refusal)
    },
  )

  test('an exempt source and store work, by their own address and port alone', async () => {
    const sourceUrl = stack.source.serve('/fine', { sizeBytes: 3_000_000 })
    const { id: bucketId } = await stack.api.buckets.save(stack.bucketDraft({ name: 'fine' }))
    const { id } = await stack.api.transfers.create({ sourceUrl, bucketId })
    expect(await stack.story(id)).toMatchObject({ status: 'completed', transferredBytes: 3_000_000 })
    for (const host of ['127.0.0.2', '[::1]', '0.0.0.0']) {
      const url = sourceUrl.replace('127.0.0.1', host)
      expect(await failureOf(stack.api.inspections.source({ url }))).toMatchObject(refusal)
      const draft = stack.bucketDraft({ endpoint: stack.storeUrl.replace('127.0.0.1', host) })
      expect(await failureOf(stack.api.inspections.bucket({ draft }))).toMatchObject(refusal)
    }
  })

  test('and nothing of all this ever reached the other server', () => {
    expect(requests).toBe(0)
  })
})
