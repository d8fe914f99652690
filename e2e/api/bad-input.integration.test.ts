import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LOGIN_PAGE, redirectTo } from '../../src/engine/testing/hostile-behaviour.ts'
import { failureOf } from '../stack/api-harness.ts'
import { type ApiWithEngine, startApiWithEngine } from '../stack/api-with-engine.ts'

/** The list "Bad input" of issue 2, through the API: each is a sentence that says what to do. */
let stack: ApiWithEngine
let bucketId: string
beforeAll(async () => {
  stack = await startApiWithEngine({ env: { SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8' } })
  bucketId = (await stack.api.buckets.save(stack.bucketDraft())).id
})
afterAll(() => stack?.close())

/** Whole sentences for people, with a stop at their end, that say what to do, and nothing of our insides. */
function expectSentence(message: string | undefined): void {
  expect(message).toMatch(/^([A-Z0-9"]|https?:).{20,}\.$/s)
  expect(message).not.toMatch(/undefined|\[object|Error:|ZodError|Invalid input|node:|\n\s+at /)
}

describe('what is wrong as written is refused at once, alone and among others', () => {
  const url = 'https://files.example/a.bin'
  const cases: [string, { sourceUrl?: string; key?: string }, string, RegExp][] = [
    ['no URL', { sourceUrl: 'not a link' }, 'invalid_url', /begins with https:\/\/ or http:\/\//],
    ['nothing', { sourceUrl: '' }, 'invalid_url', /Paste a link/],
    ['ftp:', { sourceUrl: 'ftp://files.example/a.bin' }, 'unsupported_scheme', /not ftp:/],
    ['file:', { sourceUrl: 'file:///etc/passwd' }, 'unsupported_scheme', /not file:/],
    ['a bad port', { sourceUrl: 'https://files.example:99999/a' }, 'invalid_url', /port/],
    ['credentials', { sourceUrl: 'https://me:secret@files.example/a' }, 'invalid_url', /Authorization header/],
    ['an empty key', { sourceUrl: url, key: '' }, 'invalid_key', /Give the object a name/],
    ['a key with ..', { sourceUrl: url, key: 'a/../b' }, 'invalid_key', /Write the path without it/],
    ['a key that is ..', { sourceUrl: url, key: '..' }, 'invalid_key', /Write the path without it/],
    ['a key with a line break', { sourceUrl: url, key: 'a\nb' }, 'invalid_key', /Remove it/],
    ['a key with DEL', { sourceUrl: url, key: 'a\x7fb' }, 'invalid_key', /Remove it/],
    ['a key of 1,025 bytes', { sourceUrl: url, key: `${'é'.repeat(512)}x` }, 'invalid_key', /1,024 bytes.*Shorten it/],
    ['a key that is a folder', { sourceUrl: url, key: 'a/' }, 'invalid_key', /Add a file name/],
    ['half a character', { sourceUrl: url, key: 'a\ud800' }, 'invalid_key', /Type it again/],
  ]

  test.each(cases)('%s', async (_, input, code, sentence) => {
    const item = { sourceUrl: url, bucketId, ...input }
    const alone = await failureOf(stack.api.transfers.create(item))
    expect(alone).toMatchObject({ code, message: expect.stringMatching(sentence), retry: 'never' })
    expectSentence(alone.message)
    const good = {
      sourceUrl: stack.source.serve('/beside', { sizeBytes: 10 }),
      bucketId,
      ifExists: 'overwrite' as const,
    }
    const { results } = await stack.api.transfers.createMany({ items: [good, item] })
    expect(results).toEqual([{ id: expect.any(String) }, { error: alone }])
    if (input.key === undefined)
      expect(await failureOf(stack.api.inspections.source({ url: item.sourceUrl }))).toEqual(alone)
  })

  test('a key of 1,024 bytes is none of them', async () => {
    const key = 'é'.repeat(512)
    const { id } = await stack.api.transfers.create({
      sourceUrl: stack.source.serve('/long', { sizeBytes: 10 }),
      bucketId,
      key,
    })
    expect((await stack.story(id)).status).toBe('completed')
  })

  test('a bucket that Sluice does not know', async () => {
    const item = { sourceUrl: url, bucketId: '0190b6b0-0000-7000-8000-000000000000' }
    const failure = await failureOf(stack.api.transfers.create(item))
    expect(failure.code).toBe('not_found')
    expectSentence(failure.message)
    expect((await stack.api.transfers.createMany({ items: [item] })).results).toEqual([{ error: failure }])
    expect(await failureOf(stack.api.inspections.bucket({ bucketId: item.bucketId }))).toEqual(failure)
    const unreadable = await failureOf(stack.api.transfers.create({ ...item, bucketId: 'none' }))
    expect(unreadable).toMatchObject({ code: 'invalid_input', message: 'Choose a bucket.' })
  })
})

describe('what is wrong at the source is said by the inspection, and by the transfer', () => {
  const cases: [string, () => string, string, RegExp][] = [
    ['an unknown host', () => 'http://nobody.invalid/a.bin', 'host_not_found', /Check the link/],
    ['a refused connection', () => 'http://127.0.0.1:1/a.bin', 'connection_refused', /127\.0\.0\.1:1/],
    ['404', () => stack.source.serve('/404', { status: 404, body: 'no' }), 'source_not_found', /404/],
    ['401', () => stack.source.serve('/401', { status: 401, body: 'no' }), 'source_unauthorized', /Authorization|sign/],
    ['403', () => stack.source.serve('/403', { status: 403, body: 'no' }), 'source_forbidden', /expired/],
    [
      'an endless redirect',
      () => stack.source.serve('/circle', redirectTo('/circle')),
      'too_many_redirects',
      /browser/,
    ],
    [
      'a redirect to ftp:',
      () => stack.source.serve('/ftp', redirectTo('ftp://a.example/b')),
      'redirect_refused',
      /ftp:/,
    ],
    [
      'a redirect to nowhere',
      () => stack.source.serve('/nowhere', { status: 302, body: '' }),
      'source_protocol_error',
      /nowhere/,
    ],
  ]

  test.each(cases)('%s', async (_, serve, code, sentence) => {
    const sourceUrl = serve()
    const failure = await failureOf(stack.api.inspections.source({ url: sourceUrl }))
    expect(failure).toMatchObject({ code, message: expect.stringMatching(sentence) })
    expectSentence(failure.message)
    const { id } = await stack.api.transfers.create({ sourceUrl, bucketId, key: `bad/${code}` })
    const transfer = await stack.story(id, sentence)
    if (transfer.failure) expect(transfer.failure).toEqual(failure)
    else expect(transfer.events.map(({ message }) => message).join('\n')).toMatch(sentence)
  })

  test.each([`${49 * 1024 ** 4}`, '9007199254740992', '99999999999999999999'])(
    'a file that claims %s bytes, over 48.8 TiB',
    async (total) => {
      const headers = { 'content-range': `bytes 0-0/${total}` }
      const sourceUrl = stack.source.serve(`/huge-${total}`, { headers })
      const failure = await failureOf(stack.api.inspections.source({ url: sourceUrl }))
      expect(failure).toMatchObject({ code: 'too_large', message: expect.stringMatching(/48\.8 TiB.*Split it/) })
      const { id } = await stack.api.transfers.create({ sourceUrl, bucketId, key: 'bad/huge' })
      expect(await stack.story(id)).toMatchObject({ status: 'failed', failure: { ...failure, retry: 'never' } })
    },
  )

  test('a login page in place of the file is a warning', async () => {
    const sourceUrl = stack.source.serve('/file.zip', LOGIN_PAGE)
    const { warnings } = await stack.api.inspections.source({ url: sourceUrl })
    const warning = warnings.find(({ code }) => code === 'html_page')
    expectSentence(warning?.message)
    const { id } = await stack.api.transfers.create({ sourceUrl, bucketId, key: 'odd/login' })
    expect(await stack.story(id)).toMatchObject({ status: 'completed', warnings: expect.arrayContaining([warning]) })
  })

  test.each([
    ['size 0', { sizeBytes: 0 }, 0],
    ['an unknown size', { sizeBytes: 6_000_001, ranges: 'ignored', length: 'chunked' }, 6_000_001],
    ['an unknown size, empty', { sizeBytes: 0, ranges: 'ignored', length: 'close' }, 0],
  ] as const)('%s is no mistake', async (name, answer, bytes) => {
    const sourceUrl = stack.source.serve(`/${name.replaceAll(/\W/g, '-')}`, answer)
    await stack.api.inspections.source({ url: sourceUrl })
    const { id } = await stack.api.transfers.create({ sourceUrl, bucketId, key: `odd/${name}` })
    expect(await stack.story(id)).toMatchObject({ status: 'completed', transferredBytes: bytes, failure: null })
  })
})

describe('what is wrong with the bucket is said by its test, and by the transfer', () => {
  const cases: [string, Parameters<ApiWithEngine['bucketDraft']>[0], string, RegExp][] = [
    ['no such bucket', { bucket: 'not-there' }, 'bucket_not_found', /not-there/],
    ['a wrong key id', { accessKeyId: 'nobody' }, 'bucket_unauthorized', /access key/],
    ['a wrong secret', { secretAccessKey: 'wrong' }, 'bucket_unauthorized', /secret/],
    ['nobody there', { endpoint: 'http://127.0.0.1:1' }, 'bucket_unreachable', /endpoint/],
    ['an unknown host', { endpoint: 'http://nobody.invalid' }, 'bucket_unreachable', /endpoint/],
  ]

  test.each(cases)('%s', async (name, over, code, sentence) => {
    const draft = stack.bucketDraft({ name, ...over })
    const failure = await failureOf(stack.api.inspections.bucket({ draft }))
    expect(failure).toMatchObject({ code, message: expect.stringMatching(sentence) })
    expectSentence(failure.message)
    const { id: badId } = await stack.api.buckets.save(draft)
    // The list says so too, and not that nobody ever tried.
    expect((await failureOf(stack.api.inspections.bucket({ bucketId: badId }))).code).toBe(code)
    const saved = (await stack.api.buckets.list()).find((bucket) => bucket.id === badId)
    expect(saved).toMatchObject({ testedAt: expect.any(Date), testFailure: { code }, capabilities: null })
    const sourceUrl = stack.source.serve('/good', { sizeBytes: 1000 })
    const { id } = await stack.api.transfers.create({ sourceUrl, bucketId: badId, key: 'k' })
    const transfer = await stack.story(id, sentence)
    const said = [transfer.failure?.message, ...transfer.events.map(({ message }) => message)].join('\n')
    expect(said).toMatch(sentence)
    expect(transfer.status).not.toBe('completed')
  })

  test('a key that exists is refused, skipped or overwritten, as ifExists says', async () => {
    const sourceUrl = stack.source.serve('/taken', { sizeBytes: 1000 })
    const run = async (ifExists?: 'fail' | 'skip' | 'overwrite') => {
      const { id } = await stack.api.transfers.create({ sourceUrl, bucketId, key: 'taken', ifExists })
      return stack.story(id)
    }
    expect((await run()).status).toBe('completed')
    const refused = await run()
    expect(refused).toMatchObject({ status: 'failed', failure: { code: 'key_exists', retry: 'never' } })
    expectSentence(refused.failure?.message)
    expect(await run('fail')).toMatchObject({ failure: refused.failure })
    expect(await run('skip')).toMatchObject({ status: 'completed', warnings: [{ code: 'skipped_existing' }] })
    expect(await run('overwrite')).toMatchObject({ status: 'completed', warnings: [] })
  })
})
