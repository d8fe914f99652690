import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compositeChecksum, startChecksum } from './checksum.ts'
import { startTestStore, type TestStore } from './testing/test-store.ts'

const PART_BYTES = 5 * 1024 * 1024
const parts = [randomBytes(PART_BYTES), randomBytes(PART_BYTES), randomBytes(1000)]
const whole = Buffer.concat(parts)
const etags = parts.map((part) => createHash('md5').update(part).digest('hex'))

let store: TestStore
beforeAll(async () => {
  store = await startTestStore()
})
afterAll(() => store.close())

async function create(key: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await store.send('POST', `/box/${key}?uploads`, { headers })
  return /<UploadId>([^<]*)</.exec(answer.body.toString())?.[1] ?? answer.code ?? 'no id'
}

const put = (key: string, id: string, number: number, body: Buffer | string, headers: Record<string, string> = {}) =>
  store.send('PUT', `/box/${key}?partNumber=${number}&uploadId=${id}`, { body, headers })

function complete(
  key: string,
  id: string,
  listed: readonly { number: number; etag: string; extra?: string }[],
  headers: Record<string, string> = {},
) {
  const elements = listed.map(
    ({ number, etag, extra = '' }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${etag}&quot;</ETag>${extra}</Part>`,
  )
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${elements.join('')}</CompleteMultipartUpload>`
  return store.send('POST', `/box/${key}?uploadId=${id}`, { body, headers })
}

const all = etags.map((etag, index) => ({ number: index + 1, etag }))

async function putAll(key: string, id: string): Promise<void> {
  await Promise.all(parts.map((part, index) => put(key, id, index + 1, part)))
}

async function checksumOf(algorithm: 'crc32c' | 'crc64nvme' | 'sha256', bytes: Buffer): Promise<string> {
  const running = startChecksum(algorithm)
  running.update(bytes)
  return running.digest()
}

test('parts become one object, readable whole, by range over their borders and by part number', async () => {
  const id = await create('whole', { 'content-type': 'text/x-test', 'x-amz-meta-a': 'b' })
  await putAll('whole', id)
  const done = await complete('whole', id, all, { 'x-amz-mp-object-size': String(whole.length) })
  const etag = `${createHash('md5')
    .update(Buffer.from(etags.join(''), 'hex'))
    .digest('hex')}-3`
  expect(done.body.toString()).toContain(`<ETag>&quot;${etag}&quot;</ETag>`)
  const got = await store.send('GET', '/box/whole')
  expect(got.body.equals(whole)).toBe(true)
  expect(got.headers).toMatchObject({ etag: `"${etag}"`, 'content-type': 'text/x-test', 'x-amz-meta-a': 'b' })
  const [start, end] = [PART_BYTES - 3, 2 * PART_BYTES + 5]
  const range = await store.send('GET', '/box/whole', { headers: { range: `bytes=${start}-${end - 1}` } })
  expect(range.body.equals(whole.subarray(start, end))).toBe(true)
  const last = await store.send('GET', '/box/whole?partNumber=3')
  expect([last.status, last.headers['x-amz-mp-parts-count'], last.body.equals(parts[2] ?? Buffer.alloc(0))]).toEqual([
    206,
    '3',
    true,
  ])
  expect((await store.send('GET', '/box/whole?partNumber=4')).status).toBe(416)
})

test('a second Complete gets the answer of the first, another list does not, and over a restart the same', async () => {
  const id = await create('again')
  await putAll('again', id)
  const [first, second] = await Promise.all([complete('again', id, all), complete('again', id, all)])
  expect([first?.status, second?.status]).toEqual([200, 200])
  await store.restart()
  expect((await complete('again', id, all, { 'if-none-match': '*' })).status).toBe(200)
  expect((await complete('again', id, all.slice(0, 1))).code).toBe('NoSuchUpload')
  expect((await put('again', id, 1, 'late')).code).toBe('NoSuchUpload')
  expect((await store.send('DELETE', `/box/again?uploadId=${id}`)).code).toBe('NoSuchUpload')
})

test('a Complete that does not fit the parts is refused and leaves the upload as it was', async () => {
  const id = await create('refused')
  await putAll('refused', id)
  await put('refused', id, 4, 'small')
  const small = createHash('md5').update('small').digest('hex')
  const [one, two, three] = all
  if (!one || !two || !three) throw new Error('There are three parts.')
  const code = async (listed: { number: number; etag: string; extra?: string }[], headers = {}) =>
    (await complete('refused', id, listed, headers)).code
  expect(await code([])).toBe('MalformedXML')
  expect(await code([two, one])).toBe('InvalidPartOrder')
  expect(await code([one, one])).toBe('InvalidPartOrder')
  expect(await code([one, { number: 2, etag: one.etag }])).toBe('InvalidPart')
  expect(await code([one, { number: 9, etag: one.etag }])).toBe('InvalidPart')
  expect(await code([one, two, three, { number: 4, etag: small }])).toBe('EntityTooSmall')
  expect(await code([{ ...one, extra: '<ChecksumCRC32>AAECAw==</ChecksumCRC32>' }])).toBe('InvalidPart')
  expect(await code([one, two, three], { 'x-amz-mp-object-size': '5' })).toBe('InvalidRequest')
  expect(await code([one, two, three])).toBeNull()
  // The part that was not listed is gone with its file.
  expect((await store.send('HEAD', '/box/refused')).headers['content-length']).toBe(String(whole.length))
})

test('If-None-Match on Complete keeps an object that came first, and the upload can still be aborted', async () => {
  const id = await create('taken')
  await putAll('taken', id)
  await store.send('PUT', '/box/taken', { body: 'first' })
  expect((await complete('taken', id, all, { 'if-none-match': '*' })).status).toBe(412)
  expect((await store.send('GET', '/box/taken')).body.toString()).toBe('first')
  expect((await store.send('DELETE', `/box/taken?uploadId=${id}`)).status).toBe(204)
  expect((await store.send('GET', `/box/taken?uploadId=${id}`)).code).toBe('NoSuchUpload')
})

test('a full-object checksum is combined from the parts and a wrong one refused', async () => {
  for (const algorithm of ['crc32c', 'crc64nvme'] as const) {
    const headers = { 'x-amz-checksum-algorithm': algorithm.toUpperCase(), 'x-amz-checksum-type': 'FULL_OBJECT' }
    const id = await create('full', headers)
    for (const [index, part] of parts.entries())
      await put('full', id, index + 1, part, { [`x-amz-checksum-${algorithm}`]: await checksumOf(algorithm, part) })
    const right = await checksumOf(algorithm, whole)
    const wrong = await checksumOf(algorithm, parts[0] ?? whole)
    expect((await complete('full', id, all, { [`x-amz-checksum-${algorithm}`]: wrong })).code).toBe('BadDigest')
    const composite = await complete('full', id, all, { 'x-amz-checksum-type': 'COMPOSITE' })
    expect(composite.code).toBe('InvalidRequest')
    const done = await complete('full', id, all, {
      [`x-amz-checksum-${algorithm}`]: right,
      'x-amz-checksum-type': 'FULL_OBJECT',
    })
    expect(done.body.toString()).toContain(`<Checksum${algorithm.toUpperCase()}>${right}<`)
    const head = await store.send('HEAD', '/box/full', { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
    expect([head.headers[`x-amz-checksum-${algorithm}`], head.headers['x-amz-checksum-type']]).toEqual([
      right,
      'FULL_OBJECT',
    ])
  }
})

test('a full-object checksum is verified over the bytes where the parts came without one', async () => {
  const id = await create('bare')
  await putAll('bare', id)
  const wrong = { 'x-amz-checksum-crc32c': 'AAECAw==', 'x-amz-checksum-type': 'FULL_OBJECT' }
  expect((await complete('bare', id, all, wrong)).code).toBe('BadDigest')
  const right = { ...wrong, 'x-amz-checksum-crc32c': await checksumOf('crc32c', whole) }
  expect((await complete('bare', id, all, right)).status).toBe(200)
})

test('a composite checksum is computed for parts that bring none, and parts of another algorithm are refused', async () => {
  const id = await create('composite', { 'x-amz-checksum-algorithm': 'SHA256' })
  await putAll('composite', id)
  expect((await put('composite', id, 1, 'x', { 'x-amz-checksum-crc32': 'jNy2QA==' })).code).toBe('InvalidRequest')
  await complete('composite', id, all)
  const expected = await compositeChecksum('sha256', await Promise.all(parts.map((part) => checksumOf('sha256', part))))
  const head = await store.send('HEAD', '/box/composite', { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
  expect([head.headers['x-amz-checksum-sha256'], head.headers['x-amz-checksum-type']]).toEqual([expected, 'COMPOSITE'])
  const headers = { 'x-amz-checksum-mode': 'ENABLED' }
  const second = await store.send('GET', '/box/composite?partNumber=2', { headers })
  expect(second.headers['x-amz-checksum-sha256']).toBe(await checksumOf('sha256', parts[1] ?? whole))
})

test('a part can be a copy of a range, and aborting removes every file', async () => {
  const files = () =>
    readdirSync(join(store.dir, 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      .length
  await store.send('PUT', '/box/original', { body: whole })
  const before = files()
  const id = await create('assembled')
  const headers = { 'x-amz-copy-source': 'box/original', 'x-amz-copy-source-range': 'bytes=10-1999999' }
  const copied = await store.send('PUT', `/box/assembled?partNumber=1&uploadId=${id}`, { headers })
  const etag = createHash('md5').update(whole.subarray(10, 2_000_000)).digest('hex')
  expect(copied.body.toString()).toContain(etag)
  const other = await create('assembled')
  await put('assembled', other, 1, 'x')
  await put('assembled', other, 1, 'y')
  expect((await complete('assembled', id, [{ number: 1, etag }])).status).toBe(200)
  expect((await store.send('GET', '/box/assembled')).body.equals(whole.subarray(10, 2_000_000))).toBe(true)
  await store.send('DELETE', `/box/assembled?uploadId=${other}`)
  await store.send('DELETE', '/box/assembled')
  await expect.poll(files).toBe(before)
})

test('an object of no bytes can come from a multipart upload', async () => {
  const id = await create('empty', { 'x-amz-checksum-algorithm': 'CRC32' })
  const etag = createHash('md5').digest('hex')
  await put('empty', id, 1, '')
  expect((await complete('empty', id, [{ number: 1, etag }])).status).toBe(200)
  const got = await store.send('GET', '/box/empty')
  expect([got.status, got.headers['content-length']]).toEqual([200, '0'])
  await store.send('DELETE', '/box/empty')
})

test('ListParts and ListMultipartUploads give every entry once, page by page', async () => {
  const values = (xml: string, name: string) =>
    [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '')
  const ids = new Map<string, string>()
  for (const key of ['p/a', 'p/b', 'p/b', 'p/c/1', 'p/c/2', 'q']) ids.set(await create(key), key)
  const [first = ''] = [...ids].filter(([, key]) => key === 'p/a').map(([id]) => id)
  for (const number of [1, 3, 7]) await put('p/a', first, number, `${number}`)
  const numbers: string[] = []
  let marker = '0'
  for (let truncated = true; truncated; ) {
    const xml = (
      await store.send('GET', `/box/p/a?uploadId=${first}&max-parts=1&part-number-marker=${marker}`)
    ).body.toString()
    numbers.push(...values(xml, 'PartNumber'))
    marker = values(xml, 'NextPartNumberMarker')[0] ?? ''
    truncated = values(xml, 'IsTruncated')[0] === 'true'
  }
  expect(numbers).toEqual(['1', '3', '7'])

  const readUploads = async (query: string) => {
    const seen: string[] = []
    let next = ''
    for (let truncated = true; truncated; ) {
      const xml = (await store.send('GET', `/box?uploads&max-uploads=1${query}${next}`)).body.toString()
      seen.push(
        ...values(xml, 'UploadId'),
        ...values(xml.replace(/<Prefix>[^<]*<\/Prefix>(?=<Max|<Deli|<Enc)/, ''), 'Prefix'),
      )
      next = `&key-marker=${encodeURIComponent(values(xml, 'NextKeyMarker')[0] ?? '')}&upload-id-marker=${values(xml, 'NextUploadIdMarker')[0] ?? ''}`
      truncated = values(xml, 'IsTruncated')[0] === 'true'
    }
    return seen
  }
  expect((await readUploads('')).filter((name) => ids.has(name)).map((id) => ids.get(id))).toEqual([
    'p/a',
    'p/b',
    'p/b',
    'p/c/1',
    'p/c/2',
    'q',
  ])
  const grouped = await readUploads('&prefix=p%2F&delimiter=%2F')
  expect(grouped.map((name) => ids.get(name) ?? name)).toEqual(['p/a', 'p/b', 'p/b', 'p/c/'])
})
