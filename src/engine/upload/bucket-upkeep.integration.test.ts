import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCeph } from '../../../e2e/stack/ceph.ts'
import { createObjectStoreServer } from '../../embedded/object-store/server.ts'
import type { BucketConnection } from '../../server/domain/bucket.ts'
import { createLog } from '../../server/log.ts'
import { createAddressGuard } from '../source/address-guard.ts'
import { installLifecycleRule } from './install-lifecycle-rule.ts'
import { createObjectStore } from './s3-object-store.ts'

const signal = new AbortController().signal
const options = {
  guard: createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] }),
  connectTimeoutMs: 5000,
  idleTimeoutMs: 30_000,
  maxConnections: 4,
}

async function startEmbedded() {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-upkeep-'))
  const keys = { accessKeyId: 'embeddedkey', secretAccessKey: 'embeddedsecret', region: 'us-east-1' as const }
  const log = createLog('engine', 'silent')
  const server = await createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, log, ...keys })
  const stop = async () => {
    await server.close()
    await rm(dir, { recursive: true })
  }
  return { endpoint: server.url, ...keys, stop }
}

describe.each([
  ['ceph', startCeph],
  ['embedded', startEmbedded],
] as const)('the unfinished uploads of a bucket on %s', (name, start) => {
  let base: BucketConnection
  let raw: S3Client
  let stop = async () => {}
  let unavailable: string | null = null
  beforeAll(async () => {
    const running = await start()
    if ('unavailable' in running) {
      unavailable = running.unavailable
      return
    }
    const { endpoint, region, accessKeyId, secretAccessKey } = running
    base = { endpoint, region, bucket: 'media', accessKeyId, secretAccessKey, forcePathStyle: true, capabilities: null }
    raw = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
    await raw.send(new CreateBucketCommand({ Bucket: 'media' }))
    stop = async () => {
      raw.destroy()
      await running.stop()
    }
  })
  beforeEach((context) => {
    if (unavailable !== null) context.skip(unavailable)
  })
  afterAll(() => stop())

  it('are listed for exactly one key, with the time of their start', async () => {
    const store = createObjectStore(base, options)
    const create = (key: string) => store.createUpload({ key, contentType: null, writeToken: 't' }, signal)
    const own = await create('up & down/ü')
    const longer = await create('up & down/ü.other')
    const listed = await store.listUploads('up & down/ü', signal)
    expect(listed.map(({ uploadId }) => uploadId)).toEqual([own])
    expect(Math.abs((listed[0]?.initiatedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
    await store.abortUpload('up & down/ü', own, signal)
    await store.abortUpload('up & down/ü.other', longer, signal)
    store.close()
  })

  it('are removed by a rule that is installed once, beside the others; a store that knows none says so', async () => {
    const install = () => installLifecycleRule(base, options, signal)
    if (name === 'embedded') {
      await expect(install()).rejects.toMatchObject({ code: 'not_allowed_in_state' })
      return
    }
    const other = { ID: 'old', Status: 'Enabled' as const, Filter: { Prefix: 'old/' }, Expiration: { Days: 400 } }
    const LifecycleConfiguration = { Rules: [other] }
    await raw.send(new PutBucketLifecycleConfigurationCommand({ Bucket: 'media', LifecycleConfiguration }))
    expect(await install()).toMatchObject({ installed: true, days: 7, message: expect.stringContaining('other rule') })
    expect(await install()).toMatchObject({ installed: false, days: 7 })
    const { Rules } = await raw.send(new GetBucketLifecycleConfigurationCommand({ Bucket: 'media' }))
    expect(Rules?.map(({ ID }) => ID).sort()).toEqual(['old', 'sluice-abort-unfinished-uploads'])
    expect(Rules?.find(({ ID }) => ID === 'old')).toMatchObject({ Expiration: { Days: 400 } })
  })

  it('say with wrong keys what is wrong', async () => {
    const wrong = { ...base, secretAccessKey: 'wrong-secret' }
    await expect(installLifecycleRule(wrong, options, signal)).rejects.toMatchObject({ code: 'bucket_unauthorized' })
  })
})
