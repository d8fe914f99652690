import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ApiHarness, bucketInput, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { getBucketConnection, saveBucket, saveBucketCapabilities, saveBucketTestFailure } from '../../db/buckets.ts'
import { claimInspection } from '../../db/inspections.ts'
import { newId } from '../../db/new-id.ts'

let harness: ApiHarness
let api: ApiHarness['api']

beforeAll(async () => {
  harness = await startApi()
  api = harness.api
})
afterAll(() => harness.close())
beforeEach(async () => {
  await harness.db.transfer.deleteMany()
  await harness.db.bucket.deleteMany()
})

const capabilities = {
  checksumHeaders: true,
  checksumTrailers: false,
  fullObjectChecksum: true,
  conditionalWrites: true,
  metadata: true,
}
const open = (id: string) => getBucketConnection(harness.db, harness.services.sealer, id)

it('saves a bucket with sealed keys and shows only the end of the key ID', async () => {
  const input = { ...bucketInput('archive'), endpoint: 'https://s3.example.org/', prefix: 'in/' }
  const { id } = await api.buckets.save(input)
  const list = await api.buckets.list()
  expect(list).toMatchObject([
    { id, name: 'archive', endpoint: 'https://s3.example.org', prefix: 'in/', accessKeyIdHint: '1234', transfers: 0 },
  ])
  const row = await harness.db.bucket.findUniqueOrThrow({ where: { id } })
  for (const shown of [JSON.stringify(list), JSON.stringify(row)]) {
    expect(shown).not.toContain(input.secretAccessKey)
    expect(shown).not.toContain(input.accessKeyId)
  }
  expect(await open(id)).toMatchObject({ accessKeyId: input.accessKeyId, secretAccessKey: input.secretAccessKey })
})

it('keeps the stored keys where both are left empty, and takes new ones', async () => {
  const { id } = await api.buckets.save(bucketInput('archive'))
  await api.buckets.save({ ...bucketInput('renamed'), id, accessKeyId: '', secretAccessKey: '' })
  expect(await open(id)).toMatchObject({ accessKeyId: 'AKIDEXAMPLE1234', secretAccessKey: 'secret-of-the-bucket' })
  await api.buckets.save({ ...bucketInput('renamed'), id, accessKeyId: 'NEWKEY99', secretAccessKey: 'other' })
  expect(await open(id)).toMatchObject({ accessKeyId: 'NEWKEY99', secretAccessKey: 'other' })
  expect(await api.buckets.list()).toMatchObject([{ name: 'renamed', accessKeyIdHint: 'EY99' }])
})

it('forgets what the store supports when it moves elsewhere, and only then', async () => {
  const { id } = await api.buckets.save(bucketInput('archive'))
  await saveBucketCapabilities(harness.db, id, capabilities)
  const testFailure = { code: 'bucket_unauthorized', message: 'Check the keys.', retry: 'never' } as const
  await saveBucketTestFailure(harness.db, id, testFailure)
  const empty = { accessKeyId: '', secretAccessKey: '' }
  await api.buckets.save({ ...bucketInput('renamed'), id, ...empty })
  expect(await api.buckets.list()).toMatchObject([{ capabilities, testedAt: expect.any(Date), testFailure }])
  await api.buckets.save({ ...bucketInput('renamed'), id, ...empty, endpoint: 'https://other.example.org' })
  expect(await api.buckets.list()).toMatchObject([{ capabilities: null, testedAt: null, testFailure: null }])
})

it('does not lead elsewhere while an upload of ours is open in it, and may once there is none', async () => {
  const { id } = await api.buckets.save(bucketInput('archive'))
  const source = { sourceUrl: 'http://127.0.0.1/', sourceUrlSealed: 'x', sourceHost: '127.0.0.1', key: 'k' }
  const transfer = await harness.db.transfer.create({
    data: { ...source, bucketId: id, uploadId: 'u', status: 'paused' },
  })
  const empty = { id, accessKeyId: '', secretAccessKey: '' }
  const elsewhere = { ...bucketInput('archive'), ...empty, bucket: 'another-bucket' }
  expect(await failureOf(api.buckets.save(elsewhere))).toMatchObject({
    code: 'not_allowed_in_state',
    message: expect.stringContaining('1 transfer has an unfinished upload'),
  })
  // The same store at another address, and new keys, are what one has to be able to say then.
  await api.buckets.save({ ...bucketInput('renamed'), id, endpoint: 'https://moved.example.org' })
  await harness.db.transfer.update({ where: { id: transfer.id }, data: { uploadId: null } })
  await api.buckets.save(elsewhere)
  expect(await api.buckets.list()).toMatchObject([{ bucket: 'another-bucket' }])
})

it('has an engine look at what the store can do, where that is not known and an engine runs', async () => {
  const asked = () => harness.db.inspection.findMany({ where: { kind: 'bucket' }, select: { input: true } })
  await harness.db.inspection.deleteMany()
  const { id } = await api.buckets.save(bucketInput('archive'))
  expect(await asked()).toEqual([])
  const engine = { id: newId(), name: 'e', version: '0', pid: 1, url: 'http://127.0.0.1:1' }
  await harness.db.engine.create({ data: engine })
  try {
    const empty = { accessKeyId: '', secretAccessKey: '' }
    await api.buckets.save({ ...bucketInput('renamed'), id, ...empty })
    const [question, ...others] = await asked()
    expect(question?.input).not.toContain(id)
    expect(others).toEqual([])
    expect(await claimInspection(harness.db, harness.services.sealer, engine.id)).toMatchObject({
      kind: 'bucket',
      question: { bucketId: id },
    })
    await saveBucketCapabilities(harness.db, id, capabilities)
    await api.buckets.save({ ...bucketInput('again'), id, ...empty })
    expect(await asked()).toHaveLength(1)
  } finally {
    await harness.db.engine.delete({ where: { id: engine.id } })
    await harness.db.inspection.deleteMany()
  }
})

it.each([
  [{ name: 'archive' }, 'There is already a bucket named "archive". Choose another name.'],
  [{ name: ' ' }, 'Give the bucket a name, by which you will find it in lists.'],
  [{ secretAccessKey: '' }, 'A new bucket needs both an access key ID and a secret access key.'],
  [{ endpoint: 'https://s3.example.org/path' }, 'The endpoint is a URL without a path'],
  [{ endpoint: 's3.example.org' }, 'The endpoint is a URL without a path'],
  [{ region: 'eu west' }, 'The region has letters, digits and dashes'],
  [{ bucket: 'Data' }, 'A bucket name has 3 to 63 lower-case letters'],
])('refuses %j with a sentence', async (more, sentence) => {
  await api.buckets.save(bucketInput('archive'))
  expect(await failureOf(api.buckets.save({ ...bucketInput('second'), ...more }))).toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(sentence),
  })
})

it('refuses one key without the other, and a change of a bucket that is not there', async () => {
  const { id } = await api.buckets.save(bucketInput('archive'))
  const half = api.buckets.save({ ...bucketInput('archive'), id, secretAccessKey: '' })
  expect(await failureOf(half)).toMatchObject({ message: expect.stringContaining('The two keys belong together') })
  expect(await failureOf(api.buckets.save({ ...bucketInput('x'), id: newId() }))).toMatchObject({ code: 'not_found' })
})

it('removes a bucket only when no transfer names it, and says which stand in the way', async () => {
  const { id } = await api.buckets.save(bucketInput('archive'))
  const transfer = await api.transfers.create({ sourceUrl: 'https://example.org/x', bucketId: id })
  expect(await api.buckets.list()).toMatchObject([{ transfers: 1 }])
  expect(await failureOf(api.buckets.remove({ id }))).toMatchObject({
    code: 'not_allowed_in_state',
    message: '1 transfer into "archive" is not finished. Wait, or cancel it, before you remove the bucket.',
  })
  await api.transfers.cancel({ ids: [transfer.id] })
  expect(await failureOf(api.buckets.remove({ id }))).toMatchObject({
    message: '1 ended transfer into "archive" is kept in the history. Remove it first, then the bucket.',
  })
  await api.transfers.remove({ ids: [transfer.id] })
  expect(await api.buckets.remove({ id })).toEqual({ id })
  expect(await failureOf(api.buckets.remove({ id }))).toMatchObject({ code: 'not_found' })
})

it("leaves the embedded store's bucket to `npm start`", async () => {
  const { id } = await saveBucket(harness.db, harness.services.sealer, bucketInput('sluice'), { embedded: true })
  expect(await api.buckets.list()).toMatchObject([{ name: 'sluice', embedded: true }])
  expect(await failureOf(api.buckets.save({ ...bucketInput('sluice'), id }))).toMatchObject({
    code: 'not_allowed_in_state',
  })
  expect(await failureOf(api.buckets.remove({ id }))).toMatchObject({ code: 'not_allowed_in_state' })
})
