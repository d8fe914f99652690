import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigError } from '../../server/config/env.ts'
import { createLog } from '../../server/log.ts'
import { createObjectStoreServer } from './server.ts'
import { presign, sha256, signedChunks, signHeaders, TEST_KEYS } from './testing/signed-request.ts'
import { startTestStore, type TestStore, testClient } from './testing/test-store.ts'

let store: TestStore
beforeAll(async () => {
  store = await startTestStore()
})
afterAll(() => store.close())

const host = () => `127.0.0.1:${store.server.port}`
const blobFiles = (dir: string) =>
  readdirSync(join(dir, 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length

test('an object keeps its bytes, headers and metadata, over a restart too', async () => {
  const body = randomBytes(3_000_000)
  const put = await store.send('PUT', '/box/kept', {
    body,
    headers: {
      'content-type': 'video/x-test',
      'content-encoding': 'gzip, aws-chunked',
      'cache-control': 'no-store',
      'x-amz-meta-colour': 'blü',
    },
  })
  expect(put.headers.etag).toBe(`"${createHash('md5').update(body).digest('hex')}"`)
  await store.restart()
  const got = await store.send('GET', '/box/kept')
  expect(got.body.equals(body)).toBe(true)
  expect(got.headers).toMatchObject({
    'content-type': 'video/x-test',
    'content-encoding': 'gzip',
    'cache-control': 'no-store',
    'x-amz-meta-colour': 'blü',
    'accept-ranges': 'bytes',
  })
})

test('ranges, overrides and conditions of GET are answered as S3 does', async () => {
  await store.send('PUT', '/box/digits', { body: '0123456789' })
  const range = await store.send('GET', '/box/digits', { headers: { range: 'bytes=-4' } })
  expect([range.status, range.body.toString(), range.headers['content-range']]).toEqual([206, '6789', 'bytes 6-9/10'])
  const beyond = await store.send('GET', '/box/digits', { headers: { range: 'bytes=10-' } })
  expect([beyond.status, beyond.code, beyond.headers['content-range']]).toEqual([416, 'InvalidRange', 'bytes */10'])
  const named = await store.send('GET', '/box/digits?response-content-disposition=attachment%3B%20filename%3Dx')
  expect(named.headers['content-disposition']).toBe('attachment; filename=x')
  expect((await store.send('GET', '/box/digits?response-expires=a%0D%0Ax')).code).toBe('InvalidArgument')
  const known = await store.send('GET', '/box/digits', { headers: { 'if-none-match': range.headers.etag ?? '' } })
  expect([known.status, known.body.length, known.headers.etag]).toEqual([304, 0, range.headers.etag])
  expect((await store.send('HEAD', '/box/missing')).status).toBe(404)
})

test('keys of every kind are kept apart and never become paths', async () => {
  const keys = [
    '../../etc/passwd',
    'a//b',
    'a/b',
    'a/./b',
    '.',
    '..',
    'ä',
    'a\u0308',
    'x'.repeat(1024),
    '\u0001\n',
    ' ',
    '+',
    '%2F',
    '😀/',
  ]
  for (const key of keys) {
    const target = `/box/keys/${encodeURIComponent(key)}`.slice(0, key.length === 1024 ? 5 : undefined)
    const path = key.length === 1024 ? `${target}${key}` : target
    expect((await store.send('PUT', path, { body: key })).status, key).toBe(200)
    expect((await store.send('GET', path)).body.toString()).toBe(key)
  }
  const listed = await store.send('GET', '/box?list-type=2&prefix=keys%2F&encoding-type=url')
  const names = [...listed.body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) =>
    decodeURIComponent(match[1] ?? ''),
  )
  const expected = keys.filter((key) => key.length < 1024).map((key) => `keys/${key}`)
  expect(names).toEqual(expected.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  expect((await store.send('PUT', `/box/${'x'.repeat(1025)}`)).code).toBe('KeyTooLongError')
  expect((await store.sendRaw('PUT', '/box/%ff', { host: host() })).code).toBe('InvalidURI')
})

test('a replaced, deleted or refused object leaves no file behind', async () => {
  // Files go a moment after the answer, so this store has no files of other tests on their way out.
  const own = await startTestStore()
  try {
    await own.send('PUT', '/box')
    await own.send('PUT', '/box/files', { body: 'one' })
    await own.send('PUT', '/box/files', { body: 'two' })
    await own.send('PUT', '/box/copied', { headers: { 'x-amz-copy-source': '/box/files' } })
    await expect.poll(() => blobFiles(own.dir)).toBe(1)
    await own.send('DELETE', '/box/files')
    expect((await own.send('GET', '/box/copied')).body.toString()).toBe('two')
    const bad = await own.send('PUT', '/box/bad', {
      body: 'three',
      headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    })
    expect(bad.code).toBe('BadDigest')
    await own.send('DELETE', '/box/copied')
    await expect.poll(() => blobFiles(own.dir)).toBe(0)
    expect(readdirSync(join(own.dir, 'tmp'))).toEqual([])
  } finally {
    await own.close()
  }
})

test('a declared hash that the body does not have is refused, whichever way it is declared', async () => {
  const put = (options: Parameters<TestStore['send']>[2]) =>
    store.send('PUT', '/box/hashed', { body: 'hello', ...options })
  expect((await put({ payloadHash: sha256('other') })).code).toBe('XAmzContentSHA256Mismatch')
  expect((await put({ payloadHash: 'nonsense' })).code).toBe('InvalidArgument')
  expect((await put({ headers: { 'content-md5': 'short' } })).code).toBe('InvalidDigest')
  expect((await put({ headers: { 'x-amz-checksum-crc32': 'AAECAw==' } })).code).toBe('BadDigest')
  expect((await put({ payloadHash: 'UNSIGNED-PAYLOAD' })).status).toBe(200)
  const kept = await put({ headers: { 'x-amz-checksum-crc32': 'NhCmhg==' } })
  expect([kept.status, kept.headers['x-amz-checksum-crc32']]).toEqual([200, 'NhCmhg=='])
  const head = await store.send('HEAD', '/box/hashed', { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
  expect(head.headers).toMatchObject({ 'x-amz-checksum-crc32': 'NhCmhg==', 'x-amz-checksum-type': 'FULL_OBJECT' })
  const part = await store.send('GET', '/box/hashed', {
    headers: { 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-1' },
  })
  expect(part.headers['x-amz-checksum-crc32']).toBeUndefined()
})

test('bodies in signed chunks are taken with and without a trailer, and refused when a chunk was changed', async () => {
  const body = Buffer.from('hello chunked world')
  const put = async (trailer: Record<string, string> | null, change = (bytes: Buffer) => bytes) => {
    const { headers, signature } = signHeaders({
      method: 'PUT',
      target: '/box/chunked',
      host: host(),
      payloadHash: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer ? '-TRAILER' : ''}`,
      headers: {
        'x-amz-decoded-content-length': String(body.length),
        ...(trailer ? { 'x-amz-trailer': Object.keys(trailer).join(',') } : {}),
      },
    })
    const chunked = change(signedChunks([body.subarray(0, 5), body.subarray(5)], signature, trailer))
    return store.sendRaw('PUT', '/box/chunked', { ...headers, 'content-length': String(chunked.length) }, chunked)
  }
  expect((await put(null)).status).toBe(200)
  expect((await store.send('GET', '/box/chunked')).body.toString()).toBe(body.toString())
  const digest = createHash('sha256').update(body).digest('base64')
  expect((await put({ 'x-amz-checksum-sha256': digest })).headers['x-amz-checksum-sha256']).toBe(digest)
  expect((await put({ 'x-amz-checksum-sha256': createHash('sha256').digest('base64') })).code).toBe('BadDigest')
  const flip = (bytes: Buffer) => {
    const at = bytes.indexOf('hello')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  }
  expect((await put(null, flip)).code).toBe('SignatureDoesNotMatch')
})

test('If-None-Match and If-Match decide whether a write may happen', async () => {
  const put = (headers: Record<string, string>) => store.send('PUT', '/box/conditional', { body: 'x', headers })
  expect((await put({ 'if-match': '"abc"' })).code).toBe('NoSuchKey')
  const first = await put({ 'if-none-match': '*' })
  expect(first.status).toBe(200)
  expect([(await put({ 'if-none-match': '*' })).status, (await put({ 'if-match': '"abc"' })).status]).toEqual([
    412, 412,
  ])
  expect((await put({ 'if-match': first.headers.etag ?? '' })).status).toBe(200)
  // Of two at once, both of which found nothing when they began, one wins.
  const race = await Promise.all(
    [1, 2].map(() => store.send('PUT', '/box/race', { body: 'x', headers: { 'if-none-match': '*' } })),
  )
  expect(race.map((answer) => answer.status).sort()).toEqual([200, 412])
})

test('unsigned, wrongly signed and skewed requests are refused before their body is taken', async () => {
  expect((await store.sendRaw('GET', '/', { host: host() })).code).toBe('AccessDenied')
  expect(
    (await store.sendRaw('PUT', '/box/x', { host: host(), 'content-length': '5' }, Buffer.from('hello'))).code,
  ).toBe('AccessDenied')
  const wrong = { ...TEST_KEYS, secretAccessKey: 'wrong' }
  expect((await store.send('GET', '/box', { keys: wrong })).code).toBe('SignatureDoesNotMatch')
  expect((await store.send('GET', '/box', { at: new Date(Date.now() - 20 * 60_000) })).code).toBe(
    'RequestTimeTooSkewed',
  )
})

test('a presigned address puts and gets until it expires', async () => {
  const put = presign({ method: 'PUT', target: '/box/presigned', host: host(), expiresSeconds: 60 })
  expect((await store.sendRaw('PUT', put, { host: host(), 'content-length': '2' }, Buffer.from('ok'))).status).toBe(200)
  const get = presign({ method: 'GET', target: '/box/presigned', host: host(), expiresSeconds: 60 })
  expect((await store.sendRaw('GET', get, { host: host() })).body.toString()).toBe('ok')
  const at = new Date(Date.now() - 10_000)
  const old = presign({ method: 'GET', target: '/box/presigned', host: host(), expiresSeconds: 5, at })
  expect((await store.sendRaw('GET', old, { host: host() })).code).toBe('AccessDenied')
})

test('a presigned address carries metadata in its query, but none that would break out of a header', async () => {
  const target = presign({
    method: 'PUT',
    target: '/box/hoisted?x-amz-meta-colour=red',
    host: host(),
    expiresSeconds: 60,
  })
  expect((await store.sendRaw('PUT', target, { host: host(), 'content-length': '2' }, Buffer.from('ok'))).status).toBe(
    200,
  )
  expect((await store.send('HEAD', '/box/hoisted')).headers['x-amz-meta-colour']).toBe('red')
  const broken = presign({
    method: 'PUT',
    target: '/box/hoisted?x-amz-meta-a=%0D%0Ab',
    host: host(),
    expiresSeconds: 60,
  })
  const answer = await store.sendRaw('PUT', broken, { host: host(), 'content-length': '2' }, Buffer.from('ok'))
  expect(answer.code).toBe('InvalidArgument')
})

test('an unsigned chunked body with a trailer is taken, and refused where its trailer or length is wrong', async () => {
  const put = async (trailer: string, declared: number) => {
    const { headers } = signHeaders({
      method: 'PUT',
      target: '/box/unsigned',
      host: host(),
      payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: { 'x-amz-decoded-content-length': String(declared), 'x-amz-trailer': 'x-amz-checksum-crc32' },
    })
    const body = Buffer.from(`3\r\nhel\r\n2\r\nlo\r\n0\r\n${trailer}\r\n`)
    return store.sendRaw('PUT', '/box/unsigned', { ...headers, 'content-length': String(body.length) }, body)
  }
  expect((await put('x-amz-checksum-crc32:NhCmhg==\r\n', 5)).headers['x-amz-checksum-crc32']).toBe('NhCmhg==')
  expect((await put('x-amz-checksum-crc32:AAECAw==\r\n', 5)).code).toBe('BadDigest')
  expect((await put('', 5)).code).toBe('MalformedTrailerError')
  expect((await put('x-amz-checksum-crc32:NhCmhg==\r\n', 4)).code).toBe('InvalidRequest')
  expect((await put('x-amz-checksum-crc32:NhCmhg==\r\n', 6)).code).toBe('IncompleteBody')
})

test('a client that stops in the middle of a body is cut off', async () => {
  const impatient = await createObjectStoreServer({
    dir: join(store.dir, 'impatient'),
    host: '127.0.0.1',
    port: 0,
    ...TEST_KEYS,
    log: createLog('start', 'silent'),
    idleTimeoutMs: 100,
  })
  await impatient.ensureBucket('box')
  const headers = signHeaders({
    method: 'PUT',
    target: '/box/slow',
    host: 'h',
    payloadHash: 'UNSIGNED-PAYLOAD',
  }).headers
  const text = requestText('PUT', '/box/slow', { ...headers, 'content-length': '100' })
  await talk(`${text}some`, { port: impatient.port })
  expect((await testClient(() => impatient.port).send('HEAD', '/box/slow')).status).toBe(404)
  await impatient.close()
})

test('a client that waits for 100-continue is refused without sending its body', async () => {
  const { headers } = signHeaders({ method: 'PUT', target: '/none/x', host: host(), payloadHash: 'UNSIGNED-PAYLOAD' })
  const answer = await talk(
    requestText('PUT', '/none/x', { ...headers, 'content-length': '1000000', expect: '100-continue' }),
  )
  expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  expect(answer).toContain('NoSuchBucket')
})

test('a body that is cut off leaves the object as it was', async () => {
  await store.send('PUT', '/box/cut', { body: 'old' })
  const { headers } = signHeaders({ method: 'PUT', target: '/box/cut', host: host(), payloadHash: 'UNSIGNED-PAYLOAD' })
  await talk(`${requestText('PUT', '/box/cut', { ...headers, 'content-length': '1000000' })}only this`, { end: true })
  expect((await store.send('GET', '/box/cut')).body.toString()).toBe('old')
  await expect.poll(() => readdirSync(join(store.dir, 'tmp'))).toEqual([])
})

test('stopping cuts an upload that is under way, and the next start finds all else', async () => {
  await store.send('PUT', '/box/before', { body: 'here' })
  const { headers } = signHeaders({
    method: 'PUT',
    target: '/box/under-way',
    host: host(),
    payloadHash: 'UNSIGNED-PAYLOAD',
  })
  const socket = connect(store.server.port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.on('error', () => undefined)
  socket.write(requestText('PUT', '/box/under-way', { ...headers, 'content-length': '9000000' }))
  socket.write(Buffer.alloc(2_000_000))
  await expect.poll(() => readdirSync(join(store.dir, 'tmp')).length).toBe(1)
  await store.restart()
  await closed
  expect(readdirSync(join(store.dir, 'tmp'))).toEqual([])
  expect((await store.send('GET', '/box/before')).body.toString()).toBe('here')
  expect((await store.send('HEAD', '/box/under-way')).status).toBe(404)
})

test('headers without end and requests that are no HTTP are refused', async () => {
  expect(await talk(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /)
  expect(await talk('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
})

test('buckets follow the rules for names, and only empty ones go', async () => {
  for (const name of ['Up', 'ab', 'a..b', '127.0.0.1', '-ab', 'a_b', 'x'.repeat(64)])
    expect((await store.send('PUT', `/${name}`)).code, name).toBe('InvalidBucketName')
  expect((await store.send('PUT', '/second.bucket-1')).status).toBe(200)
  expect((await store.send('PUT', '/second.bucket-1')).status).toBe(200)
  await store.send('PUT', '/second.bucket-1/x', { body: 'x' })
  expect((await store.send('DELETE', '/second.bucket-1')).code).toBe('BucketNotEmpty')
  await store.send('DELETE', '/second.bucket-1/x')
  expect((await store.send('DELETE', '/second.bucket-1')).status).toBe(204)
  expect((await store.send('GET', '/second.bucket-1?list-type=2')).code).toBe('NoSuchBucket')
  expect((await store.send('GET', '/box?location')).body.toString()).toContain('<LocationConstraint')
})

test('DeleteObjects answers for each key and refuses documents that are none', async () => {
  await store.send('PUT', '/box/del%261', { body: 'x' })
  const answer = await store.send('POST', '/box?delete', {
    body: '<Delete><Object><Key>del&amp;1</Key></Object><Object><Key>not there</Key></Object></Delete>',
  })
  expect(answer.body.toString()).toContain(
    '<Deleted><Key>del&amp;1</Key></Deleted><Deleted><Key>not there</Key></Deleted>',
  )
  expect((await store.send('HEAD', '/box/del%261')).status).toBe(404)
  for (const body of ['', '<Delete/>', 'x', '<!DOCTYPE a><Delete><Object><Key>x</Key></Object></Delete>'])
    expect((await store.send('POST', '/box?delete', { body })).code, body).toBe('MalformedXML')
})

test('what the store does not have is refused, not ignored', async () => {
  expect((await store.send('GET', '/box?policy')).code).toBe('NotImplemented')
  const sealed = await store.send('PUT', '/box/sealed', {
    body: 'x',
    headers: { 'x-amz-server-side-encryption': 'AES256' },
  })
  expect(sealed.code).toBe('NotImplemented')
  const open = await store.send('PUT', '/box/open', { body: 'x', headers: { 'x-amz-acl': 'public-read' } })
  expect(open.code).toBe('AccessControlListNotSupported')
  expect((await store.send('PATCH', '/box/sealed')).code).toBe('MethodNotAllowed')
})

test('a taken port and a folder in use are one sentence each', async () => {
  const log = createLog('start', 'silent')
  const start = (dir: string) =>
    createObjectStoreServer({ dir, host: '127.0.0.1', port: store.server.port, ...TEST_KEYS, log })
  await expect(start(join(store.dir, 'other'))).rejects.toThrow(/is taken/)
  await expect(start(store.dir)).rejects.toThrow(/in use by another process/)
  await expect(start(join(store.dir, 'catalog.sqlite', 'below'))).rejects.toThrow(ConfigError)
})

function requestText(method: string, target: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Sends text over a socket of its own and returns all that comes back until the server closes. */
function talk(text: string, options: { end?: boolean; port?: number } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(options.port ?? store.server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes.toString()
    })
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)))
    socket.on('close', () => resolve(answer))
    socket.write(text)
    if (options.end) socket.end()
  })
}
