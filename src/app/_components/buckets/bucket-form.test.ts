import { expect, test } from 'vitest'
import { apiErrors, checkForm, formOf, withPreset, withRegion } from './bucket-form.ts'
import { BUCKET_PRESETS, type BucketPreset, presetOf } from './bucket-presets.ts'

const preset = (id: string) => BUCKET_PRESETS.find((each) => each.id === id) as BucketPreset
const filled = { ...formOf(null), name: 'media', bucket: 'acme-media', accessKeyId: 'AKIA', secretAccessKey: 'secret' }
const ID = '0193f0c0-0000-7000-8000-000000000000'

test('a preset fills in endpoint, region and path style and leaves the rest', () => {
  const form = withPreset(filled, preset('wasabi'))
  expect(form).toMatchObject({ endpoint: 'https://s3.eu-central-1.wasabisys.com', forcePathStyle: true, name: 'media' })
})

test('the endpoint follows the region until somebody wrote another one', () => {
  const moved = withRegion(filled, 'us-west-2', preset('aws'))
  expect(moved.endpoint).toBe('https://s3.us-west-2.amazonaws.com')
  const own = { ...filled, endpoint: 'https://minio.example.org' }
  expect(withRegion(own, 'us-west-2', preset('aws')).endpoint).toBe('https://minio.example.org')
})

test.each([
  ['https://s3.eu-central-1.amazonaws.com', 'aws'],
  ['https://9c1f.r2.cloudflarestorage.com', 'r2'],
  ['https://s3.eu-central-003.backblazeb2.com', 'b2'],
  ['https://storage.googleapis.com', 'gcs'],
  ['https://ceph.example.net', 'other'],
  ['https://notamazonaws.com', 'other'],
  ['http://127.0.0.1:9000', 'other'],
])('%s is a store of kind %s', (endpoint, id) => {
  expect(presetOf(endpoint).id).toBe(id)
})

test('a whole form may be saved', () => {
  expect(checkForm(filled, undefined)).toMatchObject({ input: { name: 'media', secretAccessKey: 'secret' } })
})

test('a new bucket needs both keys, a changed one both or none', () => {
  const none = { ...filled, accessKeyId: '', secretAccessKey: '' }
  expect(checkForm(none, undefined)).toMatchObject({ errors: { accessKeyId: 'Fill in the access key ID.' } })
  expect(checkForm(none, ID)).toMatchObject({ input: { id: ID } })
  expect(checkForm({ ...none, accessKeyId: 'AKIA' }, ID)).toEqual({
    errors: { secretAccessKey: 'Fill in the secret access key.' },
  })
})

test('an account that was not filled in is named', () => {
  const result = checkForm(withPreset(filled, preset('r2')), undefined)
  expect(result).toMatchObject({ errors: { endpoint: 'Replace {account} with the account ID of the store.' } })
})

test('errors of the API go to their field, and else above the buttons', () => {
  expect(apiErrors([{ path: 'region', message: 'Bad.' }], 'Bad.')).toEqual({ region: 'Bad.' })
  expect(apiErrors([], 'There is already a bucket named "a". Choose another name.')).toHaveProperty('name')
  expect(apiErrors([], 'No engine runs.')).toEqual({ form: 'No engine runs.' })
})
