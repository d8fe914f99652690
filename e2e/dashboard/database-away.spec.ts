import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import { createHostileSource } from '../../src/engine/testing/hostile-source.ts'
import { startOwnPostgres } from '../stack/own-postgres.ts'
import { startSluice } from '../stack/sluice.ts'
import { test } from './product-test.ts'

// Row 20 of docs/reliability.md as a person sees it: Postgres crashes under the product, and comes back.

const MIB = 1024 * 1024
const AWAY = 'The database does not answer right now.'
/** What belongs in a log and on no page and in no answer. */
const INSIDES = /prisma|ECONNREFUSED|node_modules|\bat \S+ \(|\.tsx?:\d+|invocation/i
/** A line that repeats itself is written once in so many seconds, and so many requests a second are of one page at most. */
const QUIET_SECONDS = 30
const MOST_REQUESTS = 6
/** So many answers to one page are looked at, on a machine of any pace. */
const LEAST_ANSWERS = 5

/** What a line of a log says, without when and how often. */
function kindOf(file: string, line: string): string {
  const [, message, error] = /"message":"(.*?)".*"msg":"(.*?)"/.exec(line) ?? []
  return `${file}: ${error === undefined ? line.replaceAll(/\d+/g, '0') : `${message} ${error}`}`
}

function countEach(kinds: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

test('with the database away pages say so and keep what they showed, and all goes on by itself when it is back', async ({
  page,
  context,
}) => {
  test.setTimeout(400_000)
  const source = await createHostileSource()
  const postgres = await startOwnPostgres()
  const env = { DATABASE_URL: postgres.database.url, SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.1/32' }
  const sluice = await startSluice({ env })
  try {
    const { api, url, dataDir } = sluice
    const [bucket] = await api.buckets.list.query()
    let pace: number | null = MIB / 8
    const sourceUrl = source.serve('/big.bin', { sizeBytes: 300 * MIB, bytesPerSecond: () => pace })
    const { id } = await api.transfers.create.mutate({ sourceUrl, bucketId: bucket?.id ?? '', partSizeBytes: 6 * MIB })

    const transfer = page
    await transfer.goto(`${url}/transfers/${id}`)
    const main = (of: Page) => of.getByRole('main')
    await expect(main(transfer).getByText('Running', { exact: true })).toBeVisible()
    await expect(main(transfer).getByText(/of 300\.0 MiB/)).toBeVisible()
    const overview = await context.newPage()
    await overview.goto(url)
    await expect(main(overview).getByText('big.bin')).toBeVisible()
    // Gone with a reload, which none of them needs.
    const mark = (of: Page) => of.evaluate('window.isMarked = true')
    const isMarked = (of: Page) => of.evaluate('window.isMarked === true')
    await mark(transfer)
    await mark(overview)

    await postgres.crash()
    await expect(transfer.getByText(AWAY)).toBeVisible()
    await expect(transfer.getByText('Database away')).toBeVisible()
    await expect(transfer.getByRole('heading', { name: 'big.bin', level: 1 })).toBeVisible()
    await expect(main(transfer).getByText(/of 300\.0 MiB/)).toBeVisible()
    await expect(overview.getByText('These numbers may be out of date.')).toBeVisible()
    await expect(main(overview).getByText('big.bin')).toBeVisible()

    const logs = () => {
      const dir = join(dataDir, 'logs')
      const files = existsSync(dir) ? readdirSync(dir) : []
      return files.flatMap((file) =>
        readFileSync(join(dir, file), 'utf8')
          .split('\n')
          .map((line) => kindOf(file, line)),
      )
    }
    const since = { ms: performance.now(), lines: countEach(logs()) }
    const statuses: number[] = []
    transfer.on('response', (response) => statuses.push(response.status()))

    // The API: a code, a sentence and 503 for questions and wishes alike, and nothing of its insides.
    const asked = [
      fetch(`${url}/api/trpc/transfers.list`),
      fetch(`${url}/api/trpc/transfers.pause`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ json: { ids: [id] } }),
      }),
    ]
    for (const answer of await Promise.all(asked)) {
      expect(answer.status).toBe(503)
      const text = await answer.text()
      expect(JSON.parse(text).error.json.data.failure).toMatchObject({ code: 'database_unavailable', retry: 'later' })
      expect(text).not.toMatch(INSIDES)
    }
    const health = await fetch(`${url}/api/health`)
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({ status: 'unavailable', database: 'unavailable' })

    // Pages that are opened now: one that asks every second, and one that asks once.
    const opened = []
    for (const [path, title, later] of [
      ['/transfers', 'The list could not be read', 'big.bin'],
      ['/buckets', 'The buckets could not be read', 'sluice'],
    ] as const) {
      const one = await context.newPage()
      expect((await one.goto(`${url}${path}`))?.status()).toBe(200)
      await expect(one.getByText(title)).toBeVisible()
      await expect(one.getByText(AWAY)).toBeVisible()
      expect(await main(one).textContent()).not.toMatch(INSIDES)
      expect(await (await fetch(`${url}${path}`)).text()).not.toMatch(/prisma|ECONNREFUSED|invocation/i)
      await mark(one)
      opened.push({ one, title, later })
    }

    // The engine says it too, after some heartbeats: long enough for what repeats itself to be seen in the logs.
    await expect.poll(async () => (await fetch(`${sluice.engineUrl}/readyz`)).status).toBe(503)
    expect((await fetch(`${sluice.engineUrl}/healthz`)).status).toBe(200)
    await expect.poll(() => statuses.filter((status) => status !== 200).length).toBeGreaterThanOrEqual(LEAST_ANSWERS)
    const seconds = (performance.now() - since.ms) / 1000
    const often = [...countEach(logs())]
      .map(([kind, count]) => ({ kind, count: count - (since.lines.get(kind) ?? 0) }))
      .filter(({ count }) => count > 2 + seconds / QUIET_SECONDS)
    expect(often, `lines of log that repeat themselves within ${seconds.toFixed(1)} s`).toEqual([])
    expect(statuses.length / seconds, 'requests of one page a second').toBeLessThan(MOST_REQUESTS)
    // Answers of 200 are streams that say in themselves what is wrong.
    expect(new Set(statuses.filter((status) => status !== 200))).toEqual(new Set([503]))

    await postgres.restart()
    await expect(transfer.getByText(AWAY)).toBeHidden()
    await expect(overview.getByText('These numbers may be out of date.')).toBeHidden()
    for (const { one, title, later } of opened) {
      await expect(one.getByText(title)).toBeHidden()
      await expect(main(one).getByText(later).first()).toBeVisible()
    }
    expect((await fetch(`${url}/api/health`)).status).toBe(200)
    pace = null
    await expect(main(transfer).getByText('Done', { exact: true })).toBeVisible()
    await expect(transfer.getByText('Database away')).toBeHidden()
    for (const each of [transfer, overview, ...opened.map(({ one }) => one)]) expect(await isMarked(each)).toBe(true)
  } finally {
    await sluice.close()
    await source.close()
    await postgres.close()
  }
})
