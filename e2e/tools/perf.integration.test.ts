import { afterAll, beforeAll, expect, test } from 'vitest'
import { removeObjects } from '../../scripts/perf/remove-objects.ts'
import { type PerfApi, runPerf } from '../../scripts/perf/run-perf.ts'
import { perfTable } from '../../scripts/perf/table.ts'
import { ArgumentError } from '../../scripts/runner/command-words.ts'
import { perfRunSchema } from '../../src/server/domain/perf-run.ts'
import { type ApiWithEngine, startApiWithEngine } from '../stack/api-with-engine.ts'

let stack: ApiWithEngine
let api: PerfApi
beforeAll(async () => {
  stack = await startApiWithEngine({ env: { SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8' } })
  await stack.api.buckets.save(stack.bucketDraft())
  api = {
    buckets: () => stack.api.buckets.list(),
    engines: () => stack.api.engines.list(),
    health: () => stack.api.system.health(),
    create: (input) => stack.api.transfers.create(input),
    byId: (id) => stack.api.transfers.byId({ id }),
    report: (transferId) => stack.api.reports.byTransfer({ transferId }),
    cancel: (id) => stack.api.transfers.cancel({ ids: [id] }),
  }
})
afterAll(() => stack?.close())

const settings = { bucketName: 'test', lanes: 3, partSizeBytes: 8 * 1024 ** 2, pollMs: 50 }

test('a set of files is moved twice, its figures written, and its objects removed', async () => {
  const sizes = [20_000_000, 5_000_000]
  const urls = sizes.map((sizeBytes, index) => stack.source.serve(`/perf-${index}.bin`, { sizeBytes }))
  const { run, bucket } = await runPerf(api, { ...settings, urls, runs: 2, signal: new AbortController().signal })

  expect(perfRunSchema.parse(JSON.parse(JSON.stringify(run)))).toEqual(run)
  expect(run.transfers.map(({ name, run, status }) => `${name} ${run} ${status}`)).toEqual([
    'perf-0.bin 1 completed',
    'perf-1.bin 1 completed',
    'perf-0.bin 2 completed',
    'perf-1.bin 2 completed',
  ])
  expect(run.transfers.map(({ sizeBytes }) => sizeBytes)).toEqual([...sizes, ...sizes])
  expect(run.transfers.every(({ metrics }) => metrics.peakUploadLanes <= 3 && metrics.bucketRequests > 0)).toBe(true)
  expect(run.transfers[0]?.samples.reduce((sum, { bucketBytes }) => sum + bucketBytes, 0)).toBe(sizes[0])
  expect(perfTable(run)).toMatch(/perf-0\.bin: median .+ of 2 runs/)

  const keys = run.transfers.map(({ key }) => key)
  await removeObjects(bucket, stack.bucketDraft(), keys)
  // A key that is free again can be written to without leave to overwrite.
  const again = await api.create({
    sourceUrl: urls[1] ?? '',
    bucketId: bucket.id,
    key: keys[1] ?? '',
    ifExists: 'fail',
  })
  expect((await stack.story(again.id)).status).toBe('completed')
})

test('a file that cannot be had is a result, not an end', async () => {
  const urls = [`${new URL(stack.source.serve('/x', { sizeBytes: 1 })).origin}/missing`]
  const { run } = await runPerf(api, { ...settings, urls, runs: 1, signal: new AbortController().signal })
  expect(run.transfers[0]).toMatchObject({ status: 'failed', failure: { code: 'source_not_found' }, verdict: null })
})

test('a bucket that is not there is named in a sentence, with those that are', async () => {
  const asked = runPerf(api, {
    ...settings,
    bucketName: 'nobody',
    urls: ['x'],
    runs: 1,
    signal: new AbortController().signal,
  })
  await expect(asked).rejects.toThrow(
    new ArgumentError('There is no bucket "nobody". Choose one with --bucket; there are: test.'),
  )
})
