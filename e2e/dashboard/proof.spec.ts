import { expect, type Page } from '@playwright/test'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { createFaultyObjectStore } from '../../src/engine/testing/faulty-object-store.ts'
import { slowSecondRead } from '../../src/engine/testing/slow-second-read.ts'
import { storeCredentials } from '../stack/sluice.ts'
import { expectToast, type Product, test } from './product-test.ts'

// What a person can say about a source, and how they see what an object rests on.

const MIB = 1024 * 1024

/** Chooses in a select by the words of its label. */
async function choose(page: Page, label: string, item: string): Promise<void> {
  await page.getByLabel(label).click()
  await page.getByRole('option', { name: item }).click()
}

async function transferInto(product: Product, path: string): Promise<string> {
  const { api } = product.sluice
  const [bucket] = await api.buckets.list.query()
  const sourceUrl = product.source.serve(path, { sizeBytes: 3 * MIB })
  const { id } = await api.transfers.create.mutate({ sourceUrl, bucketId: bucket?.id ?? '' })
  return id
}

test('a link that works once is not looked at, and is read from its one answer', async ({ page, product }) => {
  const url = product.source.serve('/once.bin', ({ index }) =>
    index === 0 ? { sizeBytes: 3 * MIB } : { status: 410, body: 'used' },
  )
  await page.goto(`${product.sluice.url}/transfers/new`)
  await page.locator('summary', { hasText: 'Options' }).click()
  await choose(page, 'The link works', 'Once')
  await choose(page, 'The file is known by', 'Length and Last-Modified')
  await page.getByLabel('Links to the files').fill(url)
  const links = page.getByRole('region', { name: 'Links' })
  await expect(links).toContainText('not looked at, because it works once')
  await page.getByRole('button', { name: /Start transfer/ }).click()
  await expect(page.getByRole('heading', { name: 'once.bin', level: 1 })).toBeVisible()
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()
  expect(product.source.requests('/once.bin')).toHaveLength(1)
  const id = page.url().split('/').at(-1) ?? ''
  expect(await product.sluice.api.transfers.byId.query({ id })).toMatchObject({
    oneTimeLink: true,
    trustLengthAndDate: true,
  })
})

test('an object is read back when asked, and the verdict names that as its evidence', async ({ page, product }) => {
  const id = await transferInto(product, '/read-back.bin')
  await page.goto(`${product.sluice.url}/transfers/${id}`)
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Verify again' }).click()
  await page.getByRole('menuitem', { name: /Read the object back/ }).click()
  await expect(page.getByText('Verified · CRC32C of the object read again').first()).toBeVisible()
  await page.getByRole('button', { name: 'Verify again' }).click()
  await page.getByRole('menuitem', { name: 'Ask the bucket' }).click()
  await expect(page.getByText('Verified · CRC32C by the bucket').first()).toBeVisible()
})

test('a verification that reads the object back can be stopped, and the verdict from before stands', async ({
  page,
  product,
}) => {
  const { api, url, dataDir, storeUrl } = product.sluice
  const slow = await createFaultyObjectStore(storeUrl)
  const place = { endpoint: slow.endpoint, region: 'us-east-1', bucket: 'sluice', forcePathStyle: true }
  const bucket = await api.buckets.save.mutate({ name: 'never done', ...place, ...storeCredentials(dataDir) })
  const sourceUrl = product.source.serve('/stop-verifying.bin', { sizeBytes: 3 * MIB })
  const { id } = await api.transfers.create.mutate({ sourceUrl, bucketId: bucket.id })
  await page.goto(`${url}/transfers/${id}`)
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()
  slow.behave(({ operation }) =>
    operation === 'GetObject' ? { kind: 'hold-reply', afterBytes: MIB, until: new Promise(() => {}) } : null,
  )
  await page.getByRole('button', { name: 'Verify again' }).click()
  await page.getByRole('menuitem', { name: /Read the object back/ }).click()
  await page.getByRole('button', { name: 'Stop verifying' }).click()
  await expect(page.getByRole('button', { name: 'Verify again' })).toBeVisible()
  await expect(page.getByText('Verified · CRC32C by the bucket').first()).toBeVisible()
  const { events, status } = await api.transfers.byId.query({ id })
  expect([status, events[0]?.code]).toEqual(['completed', 'verify_stopped'])
  await api.transfers.remove.mutate({ ids: [id] })
  await api.buckets.remove.mutate({ id: bucket.id })
  await slow.close()
})

test('a second read of the source is seen, also by who comes in the middle of it, and can be paused', async ({
  page,
  product,
}) => {
  const { api, url } = product.sluice
  const [bucket] = await api.buckets.list.query()
  const sizeBytes = 27 * MIB
  const second = slowSecondRead(sizeBytes, () => product.source.requests('/read-again.bin'))
  const sourceUrl = product.source.serve('/read-again.bin', second.answer)
  const expectedChecksum = { algorithm: 'sha256' as const, value: patternSha256(sizeBytes) }
  const input = { sourceUrl, bucketId: bucket?.id ?? '', partSizeBytes: 6 * MIB, expectedChecksum }
  const { id } = await api.transfers.create.mutate(input)
  await page.goto(`${url}/transfers`)
  const row = page.getByRole('listitem').filter({ hasText: 'read-again.bin' })
  await expect(row).toContainText('comparing SHA-256')
  const bar = (name: string) => page.getByRole('progressbar', { name })
  const percent = async (name: string) => Number(await bar(name).getAttribute('aria-valuenow'))
  const title = 'Reading the source again to compare its SHA-256'
  await page.goto(`${url}/transfers/${id}`)
  const section = page.getByRole('region', { name: title })
  await expect(section).toContainText(/ \/ 27\.0 MiB/)
  await expect(section).toContainText(/B\/s/)
  const before = await percent(title)
  second.goOn()
  await expect.poll(() => percent(title)).toBeGreaterThan(before)
  await expect(page).toHaveTitle(/^\d+ % read again · read-again\.bin/)
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByRole('main').getByText('Paused', { exact: true })).toBeVisible()
  await expect(section).toBeHidden()
  second.letGo()
  await page.getByRole('button', { name: 'Resume' }).click()
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()
  await expect(section).toBeHidden()
  await expect(page.getByText('SHA-256 given by you').first()).toBeVisible()
})

test('a store that knows no lifecycle rules says so when it is to get one', async ({ page, product }) => {
  const { api } = product.sluice
  const keys = storeCredentials(product.sluice.dataDir)
  const place = { endpoint: product.sluice.storeUrl, region: 'us-east-1', bucket: 'sluice', forcePathStyle: true }
  const { id } = await api.buckets.save.mutate({ name: 'by hand', ...place, ...keys })
  await page.goto(`${product.sluice.url}/buckets`)
  await page.getByRole('button', { name: 'Actions for by hand' }).click()
  await page.getByRole('menuitem', { name: 'Remove unfinished uploads…' }).click()
  const dialog = page.getByRole('alertdialog')
  await expect(dialog).toContainText('7 days')
  await dialog.getByRole('button', { name: 'Install the rule' }).click()
  await expectToast(page, /knows no lifecycle rule for unfinished uploads/)
  await api.buckets.remove.mutate({ id })
})
