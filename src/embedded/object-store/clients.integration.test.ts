import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
  paginateListParts,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import clientPackage from '@aws-sdk/client-s3/package.json' with { type: 'json' }
import { Upload } from '@aws-sdk/lib-storage'
import storagePackage from '@aws-sdk/lib-storage/package.json' with { type: 'json' }
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TEST_KEYS } from './testing/signed-request.ts'
import { startTestStore, type TestStore } from './testing/test-store.ts'

const SIZE_BYTES = 100_000_000
let store: TestStore
let client: S3Client
let folder: string
let source: string
let sourceSha256: string

beforeAll(async () => {
  store = await startTestStore()
  // Endpoint, path style and keys: nothing else, so that what the SDK does by default is what is tested.
  client = new S3Client({
    endpoint: store.server.url,
    region: TEST_KEYS.region,
    forcePathStyle: true,
    credentials: { accessKeyId: TEST_KEYS.accessKeyId, secretAccessKey: TEST_KEYS.secretAccessKey },
  })
  folder = mkdtempSync(join(tmpdir(), 'sluice-clients-'))
  source = join(folder, 'source.bin')
  const bytes = randomBytes(SIZE_BYTES)
  writeFileSync(source, bytes)
  sourceSha256 = sha256(bytes)
})

afterAll(async () => {
  client?.destroy()
  await store?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

test('the AWS SDK puts, gets, copies, lists and deletes with its defaults', async () => {
  report(`@aws-sdk/client-s3 ${clientPackage.version}`)
  await client.send(new CreateBucketCommand({ Bucket: 'sdk-bucket' }))
  const body = randomBytes(1_000_000)
  const target = { Bucket: 'sdk-bucket', Key: 'a folder/ä+&<>.bin' }
  const put = await client.send(
    new PutObjectCommand({ ...target, Body: body, ContentType: 'text/x-test', Metadata: { colour: 'blue' } }),
  )
  // The SDK sends a CRC32 unasked; that the answer carries it shows that it was verified and kept.
  expect(put.ChecksumCRC32).toBeTruthy()
  expect(put.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`)
  const got = await client.send(new GetObjectCommand(target))
  expect(sha256(Buffer.from((await got.Body?.transformToByteArray()) ?? []))).toBe(sha256(body))
  expect([got.ContentType, got.Metadata]).toEqual(['text/x-test', { colour: 'blue' }])
  const ranged = await client.send(new GetObjectCommand({ ...target, Range: 'bytes=10-19' }))
  expect(Buffer.from((await ranged.Body?.transformToByteArray()) ?? [])).toEqual(body.subarray(10, 20))

  // A stream of known length goes as aws-chunked with its checksum in a trailer.
  const streamed = { Bucket: 'sdk-bucket', Key: 'streamed' }
  await client.send(new PutObjectCommand({ ...streamed, Body: Readable.from([body]), ContentLength: body.length }))
  expect((await client.send(new HeadObjectCommand(streamed))).ContentLength).toBe(body.length)
  await client.send(
    new CopyObjectCommand({
      Bucket: 'sdk-bucket',
      Key: 'copy',
      CopySource: encodeURI(`sdk-bucket/${target.Key}`).replace('+', '%2B'),
    }),
  )
  const listed = await client.send(new ListObjectsV2Command({ Bucket: 'sdk-bucket' }))
  expect(listed.Contents?.map((item) => item.Key)).toEqual([target.Key, 'copy', 'streamed'])
  await client.send(
    new DeleteObjectsCommand({ Bucket: 'sdk-bucket', Delete: { Objects: [{ Key: target.Key }, { Key: 'copy' }] } }),
  )
  await client.send(new DeleteObjectCommand(streamed))
  await client.send(new DeleteBucketCommand({ Bucket: 'sdk-bucket' }))
  expect((await store.send('HEAD', '/sdk-bucket')).status).toBe(404)
})

test('lib-storage puts a stream of 100 MB in parts with its defaults', async () => {
  report(`@aws-sdk/lib-storage ${storagePackage.version}`)
  const target = { Bucket: 'box', Key: 'lib-storage.bin' }
  await new Upload({ client, params: { ...target, Body: createReadStream(source) } }).done()
  const got = await client.send(new GetObjectCommand(target))
  const hash = createHash('sha256')
  for await (const chunk of got.Body as Readable) hash.update(chunk)
  expect(hash.digest('hex')).toBe(sourceSha256)
  const listed = await client.send(new ListObjectsV2Command({ Bucket: 'box', Prefix: 'lib-' }))
  expect(listed.Contents?.map((item) => [item.Key, item.Size])).toEqual([[target.Key, SIZE_BYTES]])
  await client.send(new DeleteObjectCommand(target))
  await expect(client.send(new HeadObjectCommand(target))).rejects.toMatchObject({ name: 'NotFound' })
})

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'the AWS SDK and the store agree on %s, of whole objects and of parts',
  async (algorithm) => {
    const body = randomBytes(12_000_000)
    for (const key of ['checked/one', 'checked/parts']) {
      const params = { Bucket: 'box', Key: key, Body: body, ChecksumAlgorithm: algorithm }
      if (key === 'checked/one') await client.send(new PutObjectCommand(params))
      else await new Upload({ client, params }).done()
      const head = await client.send(new HeadObjectCommand({ Bucket: 'box', Key: key, ChecksumMode: 'ENABLED' }))
      expect(head[`Checksum${algorithm}`]).toBeTruthy()
      // The SDK verifies what it reads by the checksum that comes with the answer, and throws where they differ.
      const got = await client.send(new GetObjectCommand({ Bucket: 'box', Key: key }))
      expect(sha256(Buffer.from((await got.Body?.transformToByteArray()) ?? []))).toBe(sha256(body))
    }
  },
)

test('the paginators of the AWS SDK see every key and every part once', async () => {
  const keys = Array.from({ length: 25 }, (_, index) => `pages/${String(index).padStart(2, '0')} &ü`)
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: 'box', Key, Body: 'x' }))))
  const seen: (string | undefined)[] = []
  for await (const page of paginateListObjectsV2({ client, pageSize: 4 }, { Bucket: 'box', Prefix: 'pages/' }))
    seen.push(...(page.Contents ?? []).map((item) => item.Key))
  expect(seen).toEqual(keys)
  const target = { Bucket: 'box', Key: 'pages' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
  for (const PartNumber of [1, 2, 3, 5, 8])
    await client.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body: 'x' }))
  const numbers: (number | undefined)[] = []
  for await (const page of paginateListParts({ client, pageSize: 2 }, { ...target, UploadId }))
    numbers.push(...(page.Parts ?? []).map((part) => part.PartNumber))
  expect(numbers).toEqual([1, 2, 3, 5, 8])
  await client.send(new AbortMultipartUploadCommand({ ...target, UploadId }))
})

// The one on the PATH, and Debian's, since versions 1 and 2 send their bodies in different ways.
test.for(['aws', '/usr/bin/aws'])(
  'aws-cli (%s) puts, gets, copies, lists and deletes 100 MB with its defaults',
  async (program, context) => {
    const version = await run(program, ['--version'])
    if (!version) return context.skip(`aws-cli is not installed as ${program}`)
    report(version.trim())
    const aws = (...args: string[]) => run(program, ['--endpoint-url', store.server.url, 's3', ...args])
    await aws('cp', source, 's3://box/cli/file.bin', '--no-progress')
    const copy = join(folder, 'aws.bin')
    await aws('cp', 's3://box/cli/file.bin', copy, '--no-progress')
    expect(sha256(readFileSync(copy))).toBe(sourceSha256)
    expect(await aws('ls', 's3://box/cli/')).toContain(`${SIZE_BYTES} file.bin`)
    await aws('cp', 's3://box/cli/file.bin', 's3://box/cli/second.bin', '--no-progress')
    expect((await store.send('HEAD', '/box/cli/second.bin')).headers['content-length']).toBe(String(SIZE_BYTES))
    await aws('rm', '--recursive', 's3://box/cli/')
    expect((await store.send('HEAD', '/box/cli/file.bin')).status).toBe(404)
  },
)

test('rclone puts, gets, checks, lists and deletes 100 MB with its defaults', async (context) => {
  const version = await run('rclone', ['version'])
  if (!version) return context.skip('rclone is not installed')
  report(version.split('\n')[0] ?? '')
  writeFileSync(join(folder, 'one.txt'), 'one')
  await run('rclone', ['copyto', source, 'box:box/rc/source.bin'])
  await run('rclone', ['copyto', join(folder, 'one.txt'), 'box:box/rc/one.txt'])
  const copy = join(folder, 'rclone.bin')
  await run('rclone', ['copyto', 'box:box/rc/source.bin', copy])
  expect(sha256(readFileSync(copy))).toBe(sourceSha256)
  expect(await run('rclone', ['lsf', 'box:box/rc'])).toBe('one.txt\nsource.bin\n')
  // rclone keeps the MD5 of a file it sends in parts in the metadata, and takes the ETag for the others.
  const hash = createHash('md5').update(readFileSync(source)).digest('hex')
  expect(await run('rclone', ['md5sum', 'box:box/rc'])).toContain(`${hash}  source.bin`)
  await run('rclone', ['check', '--one-way', '--include', 'one.txt', folder, 'box:box/rc'])
  await run('rclone', ['copyto', 'box:box/rc/one.txt', 'box:box/rc/two.txt'])
  await run('rclone', ['touch', '--timestamp', '2020-01-02T03:04:05', 'box:box/rc/two.txt'])
  expect(await run('rclone', ['lsl', 'box:box/rc/two.txt'])).toContain('2020-01-02 03:04:05')
  await run('rclone', ['delete', 'box:box/rc'])
  expect(await run('rclone', ['lsf', 'box:box/rc'])).toBe('')
})

/** Standard output of a program; null where it is not installed. Throws with its standard error where it fails. */
function run(program: string, args: readonly string[]): Promise<string | null> {
  // An environment of our own: proxies, profiles and certificate bundles of the machine are not defaults.
  const env: NodeJS.ProcessEnv = {
    NODE_ENV: process.env.NODE_ENV,
    PATH: process.env.PATH,
    HOME: folder,
    TZ: 'UTC',
    LANG: 'C.UTF-8',
    AWS_ACCESS_KEY_ID: TEST_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: TEST_KEYS.secretAccessKey,
    AWS_DEFAULT_REGION: TEST_KEYS.region,
    RCLONE_CONFIG: join(folder, 'rclone.conf'),
    RCLONE_CONFIG_BOX_TYPE: 's3',
    RCLONE_CONFIG_BOX_PROVIDER: 'Other',
    RCLONE_CONFIG_BOX_ENDPOINT: store.server.url,
    RCLONE_CONFIG_BOX_ACCESS_KEY_ID: TEST_KEYS.accessKeyId,
    RCLONE_CONFIG_BOX_SECRET_ACCESS_KEY: TEST_KEYS.secretAccessKey,
    ...(process.env.PYENV_ROOT ? { PYENV_ROOT: process.env.PYENV_ROOT } : {}),
  }
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, timeout: 240_000 }, (error, stdout, stderr) => {
      if (!error) resolve(stdout === '' ? stderr.replace(/^.*NOTICE.*\n/gm, '') : stdout)
      else if (error.code === 'ENOENT') resolve(null)
      else reject(new Error(`${program} ${args.join(' ')} failed: ${stderr || error.message}`))
    })
  })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** One line in the test's output, so that a run shows which versions it speaks of. */
function report(line: string): void {
  process.stdout.write(`embedded object store with ${line}\n`)
}
