import { createHash } from 'node:crypto'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { patternBytes, patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { nginxMissing, type RunningNginx, startNginx } from '../stack/nginx.ts'
import { type RunningSluice, startSluice, storeCredentials } from '../stack/sluice.ts'
import { until } from '../stack/until.ts'

const MIB = 1024 * 1024
/** Bytes of a second: a connection that gets them is not taken for a dead one, and 8 MiB take hours. */
const HARDLY = 1024

let sluice: RunningSluice
let source: HostileSource
let folder: string
let nginx: RunningNginx | null = null
let s3: S3Client
let bucketId: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-files-'))
  chmodSync(folder, 0o755)
  nginx = nginxMissing ? null : await startNginx(folder)
  source = await createHostileSource()
  sluice = await startSluice({ env: { SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8', SLUICE_LEASE_MS: '5000' } })
  s3 = new S3Client({
    endpoint: sluice.storeUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: storeCredentials(sluice.dataDir),
  })
  const [bucket] = await sluice.api.buckets.list.query()
  bucketId = bucket?.id ?? ''
}, 300_000)

afterAll(async () => {
  s3?.destroy()
  await sluice?.close()
  await source?.close()
  await nginx?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** Writes a file of the pattern for nginx to serve. */
function writeFile(name: string, sizeBytes: number): void {
  const file = openSync(join(folder, name), 'w', 0o644)
  for (let at = 0; at < sizeBytes; at += 8 * MIB) writeSync(file, patternBytes(at, Math.min(at + 8 * MIB, sizeBytes)))
  closeSync(file)
}

async function transferOf(id: string) {
  return sluice.api.transfers.byId.query({ id })
}

async function completed(id: string) {
  return until('the transfer to complete', async () => {
    const transfer = await transferOf(id)
    if (transfer.status === 'failed') throw new Error(`It failed: ${transfer.failure?.message}`)
    return transfer.status === 'completed' ? transfer : null
  })
}

async function objectSha256(key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'sluice', Key: key }))
  const hash = createHash('sha256')
  for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
  return hash.digest('hex')
}

describe('a file arrives as it was', () => {
  const sizes: [string, number][] = [
    ['empty', 0],
    ['of one byte', 1],
    ['of 5 MiB less one byte', 5 * MIB - 1],
    ['of 5 MiB', 5 * MIB],
    ['of 5 MiB and one byte', 5 * MIB + 1],
    ['of 100 MB', 100_000_000],
  ]
  test.each(sizes)('%s, from nginx', async (name, sizeBytes) => {
    const file = `${name.replaceAll(' ', '-')}.bin`
    const key = `nginx/${file}`
    const from = nginx ?? { url: source.serve(`/${file}`, { sizeBytes }).replace(`/${file}`, '') }
    if (nginx) writeFile(file, sizeBytes)
    const { id } = await sluice.api.transfers.create.mutate({ sourceUrl: `${from.url}/${file}`, bucketId, key })
    expect(await completed(id)).toMatchObject({ sizeBytes, transferredBytes: sizeBytes })
    expect(await objectSha256(key)).toBe(patternSha256(sizeBytes))
  })

  test('of 300 MB, from a server without ranges', async () => {
    const sizeBytes = 300_000_000
    const sourceUrl = source.serve('/no-ranges', { sizeBytes, ranges: 'ignored' })
    const { id } = await sluice.api.transfers.create.mutate({ sourceUrl, bucketId, key: 'odd/no-ranges' })
    expect(await completed(id)).toMatchObject({ sizeBytes, transferredBytes: sizeBytes })
    expect(await objectSha256('odd/no-ranges')).toBe(patternSha256(sizeBytes))
  })

  test('of a size that no header tells', async () => {
    const sizeBytes = 40 * MIB + 7
    const sourceUrl = source.serve('/no-length', { sizeBytes, ranges: 'ignored', length: 'chunked' })
    const { id } = await sluice.api.transfers.create.mutate({ sourceUrl, bucketId, key: 'odd/no-length' })
    expect(await completed(id)).toMatchObject({ transferredBytes: sizeBytes })
    expect(await objectSha256('odd/no-length')).toBe(patternSha256(sizeBytes))
  })

  test('although the engine was killed at half, and no finished part was read twice', async () => {
    const sizeBytes = 160 * MIB
    const path = '/killed'
    const partSizeBytes = 8 * MIB
    // What follows 12 parts does not come before the kill, so that no machine is too slow to kill it in time.
    let rate: number | null = HARDLY
    const sourceUrl = source.serve(path, ({ range }) => ({
      sizeBytes,
      bytesPerSecond: () => ((range?.startByte ?? 0) >= 12 * partSizeBytes ? rate : null),
    }))
    const { id } = await sluice.api.transfers.create.mutate({ sourceUrl, bucketId, key: 'odd/killed', partSizeBytes })
    const half = await until('half of the parts', async () => {
      const transfer = await transferOf(id)
      return (transfer.partsDone ?? 0) >= 10 ? transfer : null
    })
    // All that the next engine asks for, and perhaps some of the one that is killed: a finished part is in none of it.
    const asked = source.requests(path).length
    expect(half.status).toBe('running')
    await sluice.killEngine()
    rate = null
    expect(await completed(id)).toMatchObject({ sizeBytes, partsDone: 20 })
    expect(await objectSha256('odd/killed')).toBe(patternSha256(sizeBytes))
    // What was in flight is read again, never a part that was finished; a probe asks for one byte and may.
    const readAgain = source
      .requests(path)
      .slice(asked)
      .flatMap(({ range }) => (range && range.endByte - range.startByte > 1 ? [range] : []))
    const finished = new Set(half.parts.map((part) => part.number))
    const partOf = (byte: number) => Math.floor(byte / partSizeBytes) + 1
    expect(finished.size).toBeGreaterThanOrEqual(10)
    expect(readAgain.length).toBeGreaterThan(0)
    expect(
      readAgain.filter(
        ({ startByte, endByte }) => finished.has(partOf(startByte)) || finished.has(partOf(endByte - 1)),
      ),
    ).toEqual([])
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'sluice', Prefix: 'odd/' }))
    expect(Uploads ?? []).toEqual([])
  })
})

describe('a transfer that cannot be is refused with a sentence', () => {
  test.each([
    ['ftp://files.example/a.bin', /Sluice reads http:\/\/ and https:\/\/ links, not ftp:/],
    ['not a link', /begins with https:\/\/ or http:\/\//],
  ])('for the link %s', async (sourceUrl, sentence) => {
    await expect(sluice.api.transfers.create.mutate({ sourceUrl, bucketId })).rejects.toThrow(sentence)
  })

  test('for a key that exists, unless it may be overwritten', async () => {
    const sourceUrl = source.serve('/taken', { sizeBytes: 1000 })
    const create = (ifExists?: 'overwrite') =>
      sluice.api.transfers.create.mutate({ sourceUrl, bucketId, key: 'odd/taken', ifExists })
    await completed((await create()).id)
    const second = (await create()).id
    const failed = await until('the failure', async () => {
      const transfer = await transferOf(second)
      return transfer.status === 'failed' ? transfer : null
    })
    expect(failed.failure).toMatchObject({ code: 'key_exists', retry: 'never' })
    await completed((await create('overwrite')).id)
  })

  test('for a source that is not there', async () => {
    const sourceUrl = source.serve('/gone', { status: 404, body: 'gone' })
    const { id } = await sluice.api.transfers.create.mutate({ sourceUrl, bucketId, key: 'odd/gone' })
    const failed = await until('the failure', async () => {
      const transfer = await transferOf(id)
      return transfer.status === 'failed' ? transfer : null
    })
    expect(failed.failure?.code).toBe('source_not_found')
  })
})
