import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { firstly, type HostileBehaviour, LOGIN_PAGE, once, redirectTo } from '../testing/hostile-behaviour.ts'
import { type HostileFixture, openHostileFixture } from '../testing/hostile-fixture.ts'
import { HTTP_CLIENTS } from './http-client.ts'
import type { SourceProbe } from './source.ts'

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  let fixture: HostileFixture
  beforeEach(async () => {
    fixture = await openHostileFixture({ httpClient })
  })
  afterEach(() => fixture.close())

  const MODIFIED = 'Mon, 02 Nov 2026 10:00:00 GMT'

  function probe(behaviour: HostileBehaviour, path = '/data.tar'): Promise<SourceProbe> {
    const url = fixture.hostile.serve(path, behaviour)
    return fixture.source.probe({ url, headers: {} }, new AbortController().signal)
  }

  const codesOf = (found: SourceProbe) => found.warnings.map(({ code }) => code)

  test('one ranged GET of a single byte pins size, validators and range support', async () => {
    const found = await probe({ sizeBytes: 5_000_000, etag: '"a"', lastModified: MODIFIED })
    expect(found).toMatchObject({
      identity: { sizeBytes: 5_000_000, etag: '"a"', lastModified: MODIFIED, acceptsRanges: true },
      name: 'data.tar',
      digests: [],
      opened: null,
      contentType: 'application/octet-stream',
      warnings: [],
    })
    expect(fixture.hostile.requests()).toHaveLength(1)
    expect(fixture.hostile.requests()[0]).toMatchObject({ method: 'GET', headers: { range: 'bytes=0-0' } })
  })

  test('a file of one byte has ranges too', async () => {
    const { identity } = await probe({ sizeBytes: 1 })
    expect(identity).toMatchObject({ sizeBytes: 1, acceptsRanges: true })
  })

  test('correctness 4: a 200 with the exact Content-Range of one byte counts as range support', async () => {
    const { identity } = await probe({ ranges: 'slice-as-200', sizeBytes: 77 })
    expect(identity).toMatchObject({ sizeBytes: 77, acceptsRanges: true })
  })

  test('correctness 6: a malformed answer to the range falls back to one stream instead of failing', async () => {
    for (const ranges of ['malformed', 'missing-total', 'no-content-range', 'wrong-start', 'star-total'] as const) {
      const found = await probe({ ranges, sizeBytes: 4096 }, `/${ranges}.bin`)
      expect(found.identity).toMatchObject({ sizeBytes: 4096, acceptsRanges: false })
      expect(codesOf(found)).toEqual(['no_ranges'])
      const [first, second, third] = fixture.hostile.requests(`/${ranges}.bin`)
      expect([first?.headers.range, second?.headers.range, third]).toEqual(['bytes=0-0', undefined, undefined])
    }
  })

  test('correctness 7: Accept-Ranges is only a hint, the answer to a real range decides', async () => {
    const found = await probe({ ranges: 'ignored', headers: { 'accept-ranges': 'bytes' } })
    expect(found.identity.acceptsRanges).toBe(false)
    expect(codesOf(found)).toEqual(['no_ranges'])
  })

  test('correctness 8: a source that refuses HEAD is probed all the same, because HEAD is never sent', async () => {
    const found = await probe({ headStatus: 403 })
    expect(found.identity.acceptsRanges).toBe(true)
    expect(fixture.hostile.requests().map(({ method }) => method)).toEqual(['GET'])
  })

  test('correctness 8: the body of a 200 to the range is cancelled at once', async () => {
    const size = 256 * 1024 * 1024
    const { identity } = await probe({ ranges: 'ignored', sizeBytes: size })
    expect(identity).toMatchObject({ sizeBytes: size, acceptsRanges: false })
    await fixture.hostile.until(() => fixture.hostile.connections().open === 0)
    expect(fixture.hostile.bytesSent()).toBeLessThan(size / 4)
  })

  test('correctness 9: a link that works once is spent by the probe, and the read says so', async () => {
    const url = fixture.hostile.serve('/once', once({ ranges: 'ignored' }))
    const target = { url, headers: {} }
    const { identity } = await fixture.source.probe(target, new AbortController().signal)
    const read = fixture.source.readWhole({ target, identity, sink: () => true, signal: new AbortController().signal })
    await expect(read.done).rejects.toMatchObject({ code: 'source_gone' })
    await expect(read.done).rejects.toThrow(/works only once/)
  })

  test('correctness 11: an empty file answers 416 with bytes */0, or 200 with length 0; both are size 0', async () => {
    const by416 = await probe({ sizeBytes: 0 }, '/empty416')
    expect(by416.identity).toMatchObject({ sizeBytes: 0, acceptsRanges: false })
    expect(by416.warnings).toEqual([])
    const by200 = await probe({ sizeBytes: 0, ranges: 'ignored' }, '/empty200')
    expect(by200.identity.sizeBytes).toBe(0)
  })

  test('correctness 11: a 416 for a file that is not empty is asked again without Range', async () => {
    const found = await probe({ ranges: 'refused', sizeBytes: 99 })
    expect(found.identity).toMatchObject({ sizeBytes: 99, acceptsRanges: false })
    expect(codesOf(found)).toEqual(['no_ranges'])
  })

  test('correctness 16: a weak ETag alone is warned about, since it proves no bytes', async () => {
    expect(codesOf(await probe({ etag: 'W/"a"' }, '/weak'))).toEqual(['size_only'])
    expect(codesOf(await probe({ etag: 'W/"a"', lastModified: MODIFIED }, '/dated'))).toEqual([])
  })

  test('correctness 18: a compressed answer is read as one stream of unknown size', async () => {
    for (const behaviour of [{ contentEncoding: 'gzip' }, { contentEncoding: 'gzip', ranges: 'ignored' as const }]) {
      const found = await probe(behaviour)
      expect(found.identity).toMatchObject({ sizeBytes: null, acceptsRanges: false })
      expect(codesOf(found)).toEqual(['encoded', 'no_ranges', 'unknown_size'])
    }
  })

  test('correctness 20: without a Content-Length the size is unknown', async () => {
    for (const length of ['chunked', 'close'] as const) {
      const found = await probe({ ranges: 'ignored', length }, `/${length}`)
      expect(found.identity.sizeBytes).toBeNull()
      expect(codesOf(found)).toEqual(['no_ranges', 'unknown_size'])
    }
  })

  test('a file above the limit of S3 is refused with a sentence', async () => {
    const total = 60 * 1024 ** 4
    const headers = { 'content-range': `bytes 0-0/${total}` }
    await expect(probe({ headers })).rejects.toMatchObject({ code: 'too_large', retry: 'never' })
    await expect(probe({ headers })).rejects.toThrow(/60\.0 TiB.*at most 48\.8 TiB/)
  })

  test('a size beyond exact numbers is refused too, rather than read for ever', async () => {
    for (const total of ['9007199254740992', '99999999999999999999'])
      await expect(probe({ headers: { 'content-range': `bytes 0-0/${total}` } })).rejects.toMatchObject({
        code: 'too_large',
        retry: 'never',
      })
  })

  describe('web pages instead of files', () => {
    test('an HTML answer to a link that looks like a file is warned about', async () => {
      expect(codesOf(await probe(LOGIN_PAGE, '/release.iso'))).toContain('html_page')
    })

    test('a redirect to a sign-in page is warned about even where the link ends in .html', async () => {
      fixture.hostile.serve('/users/sign_in', LOGIN_PAGE)
      expect(codesOf(await probe(redirectTo('/users/sign_in'), '/report.html'))).toContain('html_page')
    })

    test('HTML that was asked for, or that is an attachment, is a file', async () => {
      expect(codesOf(await probe(LOGIN_PAGE, '/manual.html'))).not.toContain('html_page')
      const headers = { ...LOGIN_PAGE.headers, 'content-disposition': 'attachment; filename=a.html' }
      expect(codesOf(await probe({ ...LOGIN_PAGE, headers }, '/export'))).not.toContain('html_page')
    })
  })

  describe('sources that fail', () => {
    test.each([
      [401, 'source_unauthorized', /Authorization header or a Cookie/],
      [403, 'source_forbidden', /signed link may have expired/],
      [404, 'source_not_found', /Check the link/],
      [410, 'source_gone', /Get a new link/],
      [429, 'source_rate_limited', /Fewer lanes/],
      [500, 'source_error', /ask who runs it/],
      [405, 'source_error', /Open the link in a browser/],
    ])('status %i is %s, with what to do', async (status, code, remedy) => {
      const failure = await probe({ status, body: 'x' }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code })
      expect(String(failure)).toMatch(remedy)
    })

    test('a failure never shows the query of a signed link', async () => {
      const path = '/f?X-Amz-Signature=canary&sig=canary'
      const failure = await probe({ status: 403, body: '' }, path).catch((error: unknown) => error)
      expect(JSON.stringify([failure, String(failure)])).not.toContain('canary')
    })

    test('a source whose ranges only fail with a 400 is read as one stream', async () => {
      const behaviour = firstly(1, { status: 400, body: 'no ranges here' }, { ranges: 'ignored', sizeBytes: 10 })
      expect((await probe(behaviour)).identity).toMatchObject({ sizeBytes: 10, acceptsRanges: false })
    })

    test('text that is no link, and schemes that are not read, are refused before anything is sent', async () => {
      const refusal = (url: string) =>
        fixture.source.probe({ url, headers: {} }, new AbortController().signal).catch((error: unknown) => error)
      expect(await refusal('not a link')).toMatchObject({ code: 'invalid_url' })
      expect(await refusal('ftp://example.com/f')).toMatchObject({ code: 'unsupported_scheme' })
      expect(await refusal('http://169.254.169.254/')).toMatchObject({ code: 'address_refused' })
    })
  })

  describe('file names', () => {
    test('correctness 29: Content-Disposition names the file, else the path of the link', async () => {
      const named = {
        headers: { 'content-disposition': `attachment; filename="x.bin"; filename*=UTF-8''na%C3%AFve%2Bfile.bin` },
      }
      expect((await probe(named, '/dl?id=1')).name).toBe('naïve+file.bin')
      expect((await probe({}, '/a%20b%2Bc+d.zip?sig=1')).name).toBe('a b+c+d.zip')
    })
  })
})
