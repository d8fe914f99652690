import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ApiHarness, addEngine, bucketInput, failureOf, startApi } from '../../../../e2e/stack/api-harness.ts'
import { answerInspection, askSource, claimInspection } from '../../db/inspections.ts'
import { newId } from '../../db/new-id.ts'
import type { SourceAnswer } from '../../domain/inspection.ts'

let harness: ApiHarness
let api: ApiHarness['api']
let engineId: string

beforeAll(async () => {
  harness = await startApi()
  api = harness.api
})
afterAll(() => harness.close())
beforeEach(async () => {
  await harness.db.inspection.deleteMany()
  await harness.db.engine.deleteMany()
  engineId = await addEngine(harness.db)
})

const answer: SourceAnswer = {
  name: 'x.bin',
  sizeBytes: 5,
  acceptsRanges: true,
  etag: '"a"',
  lastModified: null,
  contentType: null,
  warnings: [],
}

/** Claims the next question as an engine does: on a hint. */
async function claimNext(hints = harness.services.notifications.hints('sluice_inspections')) {
  for (;;) {
    const claimed = await claimInspection(harness.db, harness.services.sealer, engineId)
    if (claimed) return claimed
    await hints.next(1_000)
  }
}

it('asks an engine what is at a URL and gives its answer, secrets sealed on the way', async () => {
  const url = 'https://example.org/x.bin?token=canary-1'
  const asked = api.inspections.source({ url: ` ${url} `, headers: { Cookie: 'canary-2' } })
  const claimed = await claimNext()
  expect(claimed).toMatchObject({ kind: 'source', question: { url, headers: { Cookie: 'canary-2' } } })
  expect(JSON.stringify(await harness.db.inspection.findMany())).not.toContain('canary')
  await answerInspection(harness.db, claimed.id, { result: answer, failure: null })
  expect(await asked).toEqual(answer)
})

it("passes an engine's failure on", async () => {
  const asked = failureOf(api.inspections.source({ url: 'https://example.org/gone' }))
  const { id } = await claimNext()
  const failure = { code: 'source_not_found', message: 'The source answered 404.', retry: 'never' } as const
  await answerInspection(harness.db, id, { result: null, failure })
  expect(await asked).toEqual(failure)
})

it('asks about a stored bucket and about a draft', async () => {
  const { id: bucketId } = await api.buckets.save(bucketInput())
  const result = {
    checks: [{ name: 'list', passed: true, message: 'Listing works.' }],
    capabilities: {
      checksumHeaders: true,
      checksumTrailers: true,
      fullObjectChecksum: true,
      conditionalWrites: true,
      metadata: true,
    },
    warnings: [],
  }
  // An engine looks at it as soon as it is saved.
  const looked = await claimNext()
  expect(looked).toMatchObject({ kind: 'bucket', question: { bucketId } })
  await answerInspection(harness.db, looked.id, { result, failure: null })
  for (const question of [{ bucketId }, { draft: bucketInput('draft') }]) {
    const asked = api.inspections.bucket(question)
    const claimed = await claimNext()
    expect(claimed).toMatchObject({ kind: 'bucket', question })
    await answerInspection(harness.db, claimed.id, { result, failure: null })
    expect(await asked).toEqual(result)
  }
})

it.each([
  ['', 'invalid_url'],
  ['example.org/file', 'invalid_url'],
  ['ftp://example.org/file', 'unsupported_scheme'],
  ['https://me:pw@example.org/file', 'invalid_url'],
])('refuses %j at once, without an engine', async (url, code) => {
  expect(await failureOf(api.inspections.source({ url }))).toMatchObject({ code })
  expect(await harness.db.inspection.count()).toBe(0)
})

it.each([
  ['a bucket that is not there', { bucketId: newId() }, 'not_found'],
  ['a draft of one that is not there', { draft: { ...bucketInput(), id: newId() } }, 'not_found'],
  ['a new bucket without keys', { draft: { ...bucketInput(), secretAccessKey: '' } }, 'invalid_input'],
])('refuses %s at once, without an engine', async (_, question, code) => {
  expect(await failureOf(api.inspections.bucket(question))).toMatchObject({ code })
  expect(await harness.db.inspection.count()).toBe(0)
})

it.each([
  ['there is none', {}],
  ['it is silent', { agoMs: 60_000 }],
  ['it has stopped', { stopped: true }],
])('says how to start an engine where %s', async (_, state) => {
  await harness.db.engine.deleteMany()
  if (Object.keys(state).length > 0) await addEngine(harness.db, state)
  expect(await failureOf(api.inspections.source({ url: 'https://example.org/x' }))).toMatchObject({
    code: 'no_engine',
    message: expect.stringContaining('npm run engine'),
  })
})

it('gives up when no answer comes in time, and takes the question back', async () => {
  const asked = askSource({ ...harness.services, timeoutMs: 50 }, { url: 'https://example.org/x' })
  expect(await failureOf(asked)).toMatchObject({ code: 'timed_out' })
  expect(await harness.db.inspection.count()).toBe(0)
})

it('still gets the answer while hints are lost', async () => {
  const deaf = {
    hints: () => ({ next: harness.services.notifications.hints('sluice_inspections', 'none').next, close() {} }),
  }
  const asked = askSource({ ...harness.services, notifications: deaf }, { url: 'https://example.org/x' })
  const { id } = await claimNext()
  await answerInspection(harness.db, id, { result: answer, failure: null })
  expect(await asked).toEqual(answer)
})

it('gives each question to one engine only, and not again before it can be lost', async () => {
  const ids = Array.from({ length: 10 }, () => newId())
  const { sealer } = harness.services
  await harness.db.inspection.createMany({
    data: ids.map((id) => ({
      id,
      kind: 'source',
      input: sealer.seal('{"url":"https://x/y"}', `Inspection.input:${id}`),
    })),
  })
  const claims = await Promise.all(Array.from({ length: 20 }, () => claimInspection(harness.db, sealer, newId())))
  expect(claims.flatMap((claim) => claim?.id ?? []).sort()).toEqual([...ids].sort())
  await harness.db.$executeRaw`UPDATE "Inspection" SET "claimedAt" = now() - interval '6 seconds'`
  expect(await claimInspection(harness.db, sealer, newId())).not.toBeNull()
})

it('answers only once, and forgets questions of more than an hour ago', async () => {
  const old = newId()
  await harness.db.inspection.create({
    data: { id: old, kind: 'source', input: 'x', createdAt: new Date(Date.now() - 3_601_000) },
  })
  const asked = api.inspections.source({ url: 'https://example.org/x' })
  const { id } = await claimNext()
  await answerInspection(harness.db, id, { result: answer, failure: null })
  await answerInspection(harness.db, id, { result: { ...answer, name: 'late' }, failure: null })
  expect(await asked).toMatchObject({ name: 'x.bin' })
  expect(await harness.db.inspection.findUnique({ where: { id: old } })).toBeNull()
})

it('answers a question sealed with another key by saying so', async () => {
  const id = newId()
  await harness.db.inspection.create({ data: { id, kind: 'source', input: 'v1.other.x.x.x' } })
  expect(await claimInspection(harness.db, harness.services.sealer, engineId)).toBeNull()
  const row = await harness.db.inspection.findUniqueOrThrow({ where: { id } })
  expect(row).toMatchObject({ answeredAt: expect.any(Date), failure: { code: 'secret_key_changed' } })
})
