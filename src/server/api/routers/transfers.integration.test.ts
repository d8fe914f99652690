import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ApiHarness, bucketInput, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { newId } from '../../db/new-id.ts'

let harness: ApiHarness
let api: ApiHarness['api']
let bucketId: string

beforeAll(async () => {
  harness = await startApi()
  api = harness.api
})
afterAll(() => harness.close())

beforeEach(async () => {
  await harness.db.transfer.deleteMany()
  await harness.db.bucket.deleteMany()
  bucketId = (await api.buckets.save({ ...bucketInput('archive'), prefix: 'in/' })).id
})

const sourceUrl = 'https://files.example.org/a/Big%20File.zip?X-Amz-Signature=canary-4711&format=raw'
const create = (more: object = {}) => api.transfers.create({ sourceUrl, bucketId, ...more })
const set = (id: string, data: object) => harness.db.transfer.update({ where: { id }, data })

describe('transfers.create', () => {
  it('queues the transfer with its plan to be claimed, and tells the engines', async () => {
    const hints = harness.services.notifications.hints('sluice_transfers')
    const { id } = await create()
    // Without the hint it would wait for an hour.
    await hints.next(3_600_000)
    hints.close()
    const row = await harness.db.transfer.findUniqueOrThrow({ where: { id }, include: { claims: true, events: true } })
    expect(row).toMatchObject({ status: 'queued', ifExists: 'fail', partSizing: null, priority: 0 })
    expect(row.claims).toMatchObject([{ firstPart: 0, lastPart: 0, epoch: 0, engineId: null }])
    expect(row.events).toMatchObject([{ code: 'created' }])
  })

  it('keeps every wish, and says when it is to start', async () => {
    const startAt = new Date('2030-01-02T03:04:05.678Z')
    const wishes = { key: 'a "quoted"\\ключ.bin', ifExists: 'overwrite', partSizing: 'table', priority: -7, startAt }
    const checksum = { algorithm: 'crc32c', value: 'AAAAAA==' }
    const flags = { trustLengthAndDate: true, oneTimeLink: true }
    const { id } = await create({
      ...{ ...wishes, ...flags, expectedChecksum: checksum, lanes: 5, partSizeBytes: 6_291_456 },
      bandwidthLimitBytesPerSecond: 9_000_000_000,
    })
    const row = await harness.db.transfer.findUniqueOrThrow({ where: { id }, include: { events: true } })
    expect(row).toMatchObject({ ...wishes, ...flags, expectedChecksum: checksum, wantedLanes: 5 })
    expect(row).toMatchObject({ wantedPartSizeBytes: 6_291_456n, bandwidthLimitBytesPerSecond: 9_000_000_000n })
    expect(row.events).toMatchObject([{ level: 'info', message: 'Created, to start at 2030-01-02 03:04 UTC.' }])
    const plain = await harness.db.transfer.findUniqueOrThrow({ where: await create(), include: { events: true } })
    expect(plain).toMatchObject({ expectedChecksum: null, wantedLanes: null, startAt: null, warnings: [], live: {} })
    expect(plain.events).toMatchObject([{ message: 'Created and queued.' }])
  })

  it('seals the URL and the headers for their row and keeps secrets out of everything shown', async () => {
    const { id } = await create({ sourceHeaders: { Authorization: 'Bearer canary-4712' } })
    const row = await harness.db.transfer.findUniqueOrThrow({ where: { id } })
    expect(JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
      'canary',
    )
    expect(JSON.stringify(await api.transfers.byId({ id }))).not.toContain('canary')
    const { sealer } = harness.services
    expect(sealer.open(row.sourceUrlSealed, `Transfer.sourceUrl:${id}`)).toBe(sourceUrl)
    expect(sealer.open(row.sourceHeadersSealed ?? '', `Transfer.sourceHeaders:${id}`)).toBe(
      '{"Authorization":"Bearer canary-4712"}',
    )
    expect(() => sealer.open(row.sourceUrlSealed, `Transfer.sourceUrl:${newId()}`)).toThrow('sealed with another key')
    expect(row.sourceUrl).toBe('https://files.example.org/a/Big%20File.zip?X-Amz-Signature=…&format=raw')
  })

  it("names the object after the URL, under the bucket's prefix, unless a key is given", async () => {
    const named = await api.transfers.byId(await create())
    expect(named).toMatchObject({ key: 'in/Big File.zip', name: 'Big File.zip', bucketName: 'archive' })
    expect(await api.transfers.byId(await create({ key: 'elsewhere/x.bin' }))).toMatchObject({ key: 'elsewhere/x.bin' })
    expect(await api.transfers.byId(await create({ sourceUrl: 'https://example.org/' }))).toMatchObject({
      key: 'in/download',
    })
  })

  it.each([
    [{ sourceUrl: 'no url' }, 'invalid_url', 'not a web link'],
    [{ sourceUrl: 'ftp://example.org/x' }, 'unsupported_scheme', 'not ftp:'],
    [{ sourceUrl: 'file:///etc/passwd' }, 'unsupported_scheme', 'not file:'],
    [{ sourceUrl: 'https://me:pw@example.org/x' }, 'invalid_url', 'Authorization header'],
    [{ key: '' }, 'invalid_key', 'The key is empty'],
    [{ key: 'a/../b' }, 'invalid_key', '".." segment'],
    [{ key: 'a\nb' }, 'invalid_key', 'control character'],
    [{ key: 'x'.repeat(1025) }, 'invalid_key', '1,024 bytes'],
    [{ bucketId: 'sluice' }, 'invalid_input', 'Choose a bucket'],
    [{ bucketId: newId() }, 'not_found', 'no such bucket'],
    [{ lanes: 21 }, 'invalid_input', 'At most 20'],
    [{ expectedChecksum: { algorithm: 'MD5', value: 'zz' } }, 'invalid_input', '32 hexadecimal digits'],
  ])('refuses %j with %s', async (input, code, sentence) => {
    const failure = await failureOf(create(input))
    expect(failure).toMatchObject({ code, message: expect.stringContaining(sentence) })
    expect(await harness.db.transfer.count()).toBe(0)
  })

  it('refuses a key that the prefix makes too long', async () => {
    await api.buckets.save({ ...bucketInput('archive'), id: bucketId, prefix: 'p'.repeat(500) })
    const long = `https://example.org/${encodeURIComponent('ü'.repeat(300))}.bin`
    expect((await api.transfers.byId(await create({ sourceUrl: long }))).key.length).toBeLessThan(1024)
  })

  it('answers each of many items by itself', async () => {
    const { results } = await api.transfers.createMany({
      items: [
        { sourceUrl, bucketId, key: 'one' },
        { sourceUrl: 'gopher://x', bucketId },
        { sourceUrl, bucketId: newId() },
        { sourceUrl, bucketId, key: 'four' },
      ],
    })
    expect(results).toMatchObject([
      { id: expect.any(String) },
      { error: { code: 'unsupported_scheme' } },
      { error: { code: 'not_found' } },
      { id: expect.any(String) },
    ])
    const { items } = await api.transfers.list({})
    expect(items.map((item) => [item.id, item.key]).sort()).toEqual(
      [
        [(results[0] as { id: string }).id, 'one'],
        [(results[3] as { id: string }).id, 'four'],
      ].sort(),
    )
    expect(await failureOf(api.transfers.createMany({ items: [] }))).toMatchObject({ code: 'invalid_input' })
  })

  it('queues a thousand items in one call, each with its claim', async () => {
    const items = Array.from({ length: 1000 }, (_, index) => ({ sourceUrl, bucketId, key: `many/${index}` }))
    const { results } = await api.transfers.createMany({ items })
    expect(results.every((result) => 'id' in result)).toBe(true)
    expect(await harness.db.partClaim.count({ where: { firstPart: 0 } })).toBe(1000)
    expect(await failureOf(api.transfers.createMany({ items: [...items, ...items.slice(0, 1)] }))).toMatchObject({
      message: 'At most 1,000 transfers at once.',
    })
  })
})

describe('transfers.list', () => {
  it('pages newest first without gaps or repeats, also among rows of the same millisecond', async () => {
    const items = Array.from({ length: 7 }, (_, index) => ({ sourceUrl, bucketId, key: `k${index}` }))
    await api.transfers.createMany({ items })
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await api.transfers.list({ limit: 3, cursor })
      seen.push(...page.items.map((item) => item.id))
      cursor = page.nextCursor ?? undefined
    } while (cursor)
    expect(seen).toHaveLength(7)
    expect(new Set(seen).size).toBe(7)
    expect([...seen].sort().reverse()).toEqual(seen)
    expect(await failureOf(api.transfers.list({ cursor: 'bad' }))).toMatchObject({ code: 'invalid_input' })
  })

  it('searches key, source and bucket whatever the case, and takes % and _ as they are', async () => {
    await create({ key: 'Reports/100%_done.csv' })
    await create({ key: 'other.bin' })
    const keys = async (search: string) => (await api.transfers.list({ search })).items.map((item) => item.key)
    expect(await keys('reports')).toEqual(['Reports/100%_done.csv'])
    expect(await keys('0%_D')).toEqual(['Reports/100%_done.csv'])
    expect(await keys('0_%')).toEqual([])
    expect(await keys('FILES.example')).toHaveLength(2)
    expect(await keys('ARCHIVE')).toHaveLength(2)
    expect(await keys('canary-4711')).toEqual([])
  })

  it('filters by one or several states and counts all states of the search', async () => {
    const failed = await create({ key: 'a-failed' })
    await set(failed.id, { status: 'failed', failure: { code: 'source_not_found', message: 'Gone.', retry: 'never' } })
    await create({ key: 'a-queued' })
    await create({ key: 'b-queued' })
    const page = await api.transfers.list({ status: 'failed', search: 'a-' })
    expect(page.items).toMatchObject([{ id: failed.id, failure: { code: 'source_not_found' } }])
    expect(page.counts).toMatchObject({ all: 2, queued: 1, failed: 1, running: 0 })
    expect((await api.transfers.list({ status: ['failed', 'queued'] })).items).toHaveLength(3)
  })
})

describe('transfers.byId', () => {
  it('shows parts, what moves, and events, newest first', async () => {
    const { id } = await create()
    const at = new Date()
    await harness.db.part.create({
      data: { transferId: id, number: 1, sizeBytes: 5n, etag: 'e', startedAt: at, finishedAt: at },
    })
    await harness.db.event.create({ data: { transferId: id, level: 'warn', code: 'waiting', message: 'Waits.' } })
    const live = {
      [newId()]: {
        at: at.toISOString(),
        inflightBytes: 3,
        bytesPerSecond: 2,
        readLanes: 1,
        uploadLanes: 1,
        bufferedBytes: 9,
        movingParts: [3, 2],
      },
    }
    await set(id, { status: 'running', doneBytes: 5n, sizeBytes: 20n, live })
    const detail = await api.transfers.byId({ id })
    expect(detail).toMatchObject({
      transferredBytes: 8,
      etaSeconds: 6,
      movingParts: [2, 3],
      parts: [{ number: 1, sizeBytes: 5, engineId: null }],
      events: [
        { code: 'waiting', level: 'warn' },
        { code: 'created', level: 'info' },
      ],
    })
  })

  it('says that a transfer does not exist', async () => {
    expect(await failureOf(api.transfers.byId({ id: newId() }))).toMatchObject({ code: 'not_found' })
  })
})
