import { readFileSync } from 'node:fs'
import { expect, type Page } from '@playwright/test'
import type { HostileBehaviour } from '../../src/engine/testing/hostile-behaviour.ts'
import { type Product, test } from './product-test.ts'

// A report is read, taken along and opened again, and runs are held against each other.

const MIB = 1024 * 1024

/** How long something took, and how fast it was, on any machine. */
const TOOK = String.raw`(?:[\d.]+ s|\d+ min(?: \d+ s)?)`
const RATE = String.raw`[\d.]+ .?i?B\/s`

/** Begins to move a file, and returns the id of its transfer. */
async function begin({ sluice, source }: Product, path: string, behaviour: HostileBehaviour): Promise<string> {
  const [bucket] = await sluice.api.buckets.list.query()
  if (!bucket) throw new Error('The embedded bucket is always there.')
  const sourceUrl = source.serve(path, behaviour)
  return (await sluice.api.transfers.create.mutate({ sourceUrl, bucketId: bucket.id, key: path.slice(1) })).id
}

async function ended({ sluice }: Product, id: string): Promise<void> {
  const status = async () => (await sluice.api.transfers.byId.query({ id })).status
  await expect.poll(status, { timeout: 180_000 }).toMatch(/completed|failed/)
}

/** Moves a file to its end, whatever that is, and returns the id of its transfer. */
async function run(product: Product, path: string, behaviour: HostileBehaviour): Promise<string> {
  const id = await begin(product, path, behaviour)
  await ended(product, id)
  return id
}

/** The same with a curve of its bytes: it does not come to its end before there are steps of one. */
async function runWithCurve(product: Product, path: string, sizeBytes: number): Promise<string> {
  let rate: number | null = MIB / 4
  const id = await begin(product, path, { sizeBytes, bytesPerSecond: () => rate })
  const steps = async () => {
    const { samples } = await product.sluice.api.progress.window.query({ transferId: id })
    return samples.filter(({ sourceBytes }) => sourceBytes > 0).length
  }
  await expect.poll(steps).toBeGreaterThanOrEqual(2)
  rate = null
  await ended(product, id)
  return id
}

const article = (page: Page) => page.getByRole('article')

test('a report says what came of a transfer, is taken along as a file, and the file opens as the same page', async ({
  page,
  product,
}) => {
  const id = await runWithCurve(product, '/report.bin', 40 * MIB)
  const { url } = product.sluice
  await page.goto(`${url}/transfers/${id}`)
  await page.getByRole('link', { name: 'Report', exact: true }).click()
  await expect(article(page).getByRole('heading', { level: 1, name: 'report.bin' })).toBeVisible()
  const sentence = article(page).getByText(new RegExp(`^40\\.0 MiB in ${TOOK}, ${RATE} on average\\.$`))
  await expect(sentence).toBeVisible()
  await expect(
    article(page).getByRole('slider', { name: /^Timeline of parts: \d+ parts? in \d+ lanes?, / }),
  ).toBeVisible()
  const timeline = article(page).getByRole('slider', { name: /^Timeline/ })
  await timeline.focus()
  await page.keyboard.press('ArrowRight')
  const words = new RegExp(`^Part 1, .+ in ${TOOK}, .+, from \\d+:\\d\\d, no retry$`)
  await expect(timeline).toHaveAttribute('aria-valuetext', words)
  await expect(article(page).getByRole('slider', { name: 'Moment of the chart' })).toBeVisible()
  await article(page).getByText('The curve as a table').click()
  await expect(article(page).getByRole('columnheader', { name: 'Read lanes' })).toBeVisible()
  const said = (await sentence.textContent()) ?? ''

  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export as JSON' }).click()
  const file = await (await downloading).path()
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ format: 'sluice-transfer-report', transfer: { id } })

  await page.goto(`${url}/reports`)
  await page.getByLabel('A report to open').setInputFiles(file)
  await expect(page.getByText('Nothing of it was uploaded.')).toBeVisible()
  await expect(article(page).getByText(said, { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Close' }).click()
  await expect(page.getByRole('list', { name: 'Runs' })).toBeVisible()
})

test('two runs are picked and compared, at an address that can be passed on', async ({ page, product }) => {
  const { url } = product.sluice
  await runWithCurve(product, '/before.bin', 24 * MIB)
  await run(product, '/after.bin', { sizeBytes: 24 * MIB })
  await page.goto(url)
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Reports' }).first().click()
  await expect(page.getByRole('heading', { name: 'Reports', level: 1 })).toBeVisible()
  const compare = page.getByRole('button', { name: 'Compare' })
  await page.getByRole('checkbox', { name: 'Choose before.bin to compare' }).click()
  await expect(compare).toBeDisabled()
  await page.getByRole('checkbox', { name: 'Choose after.bin to compare' }).click()
  await compare.click()

  await expect(page).toHaveURL(/\/reports\/compare\?ids=[0-9a-f-]{36},[0-9a-f-]{36}$/)
  await expect(article(page).getByText(new RegExp(`^B was .* A: ${RATE} against ${RATE}\\.$`))).toBeVisible()
  await expect(article(page).getByRole('img', { name: /^Bytes from the source of 2 runs: A/ })).toBeVisible()
  await expect(article(page).getByRole('rowheader', { name: 'Time to first byte' })).toBeVisible()
  await page.reload()
  await expect(article(page).getByRole('heading', { name: '2 runs side by side' })).toBeVisible()
  await page.setViewportSize({ width: 390, height: 844 })
  const sideways = () =>
    page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  await expect.poll(sideways).toBe(0)
})

test('what failed before its first byte has a report, and files that are none say why', async ({ page, product }) => {
  const { url } = product.sluice
  const id = await run(product, '/nothing.bin', { status: 404, body: 'no' })
  await page.goto(`${url}/transfers/${id}/report`)
  await expect(article(page).getByText('Failed before the first byte arrived.')).toBeVisible()
  await expect(article(page).getByText('No byte moved, so there is no curve.')).toBeVisible()
  await page.goto(`${url}/reports`)
  const open = (name: string, text: string) =>
    page.getByLabel('A report to open').setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
  const cases: [name: string, text: string, words: RegExp][] = [
    ['cut-off.json', '{"transfer":', /not JSON, or it was cut off/],
    ['other.json', '{"hello":"world"}', /no report that is known here.*npm run perf/],
    ['perf.json', '{"kind":"sluice-perf","format":1}', /npm run perf, but something in it is missing/],
  ]
  for (const [name, text, words] of cases) {
    await open(name, text)
    await expect(page.getByRole('alert').filter({ hasText: `${name} could not be opened` })).toContainText(words)
  }
})
