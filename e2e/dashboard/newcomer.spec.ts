import { createHash } from 'node:crypto'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, type Page } from '@playwright/test'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { storeCredentials } from '../stack/sluice.ts'
import { test } from './product-test.ts'

// What a newcomer does, in the order they do it, on a product that was started on an empty data folder.

const MIB = 1024 * 1024

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
const links = (page: Page) => page.getByLabel('Links to the files')

/** Chooses an action of a transfer's page and, where it asks, says yes. */
async function act(page: Page, name: string, confirm?: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
  if (confirm)
    await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: confirm }).click()
}

test('the first screen shows the sample transfer on its way, and it completes with its parts', async ({
  page,
  product,
}) => {
  await page.goto(product.sluice.url)
  const sample = page.getByRole('link', { name: /sluice-sample-256MiB\.bin/ }).first()
  await expect(sample).toBeVisible()
  await sample.click()
  await expect(heading(page, 'sluice-sample-256MiB.bin')).toBeVisible()
  await expect(page.getByRole('slider', { name: /Map of parts: 16 of 16 parts done/ })).toBeVisible({
    timeout: 180_000,
  })
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()
})

test('a pasted link shows name and size, starts, fills its parts and completes with proof', async ({
  page,
  product,
}) => {
  const sizeBytes = 96 * MIB
  // So slow that parts are seen moving, however many lanes there are, until that was seen.
  let rate: number | null = MIB / 64
  const url = product.source.serve('/disk image.iso'.replace(' ', '%20'), { sizeBytes, bytesPerSecond: () => rate })
  await page.goto(`${product.sluice.url}/transfers/new`)
  await links(page).fill(url)
  const row = page.getByRole('region', { name: 'Links' }).getByRole('listitem')
  await expect(row).toContainText('disk image.iso')
  await expect(row).toContainText(/96(\.0)? MiB/)
  await expect(row).toContainText('ranges')
  await page.getByRole('button', { name: /Start transfer/ }).click()

  await expect(heading(page, 'disk image.iso')).toBeVisible()
  const map = page.getByRole('slider', { name: /Map of parts:/ })
  await expect(map).toHaveAccessibleName(/[1-9]\d* moving/)
  rate = null
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible({ timeout: 180_000 })
  await expect(map).toHaveAccessibleName(/, 0 moving, 0 waiting/)
  await expect(page.getByText(/^Verified/).first()).toBeVisible()

  const s3 = new S3Client({
    endpoint: product.sluice.storeUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: storeCredentials(product.sluice.dataDir),
  })
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'sluice', Key: 'disk image.iso' }))
  const hash = createHash('sha256')
  for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
  s3.destroy()
  expect(hash.digest('hex')).toBe(patternSha256(sizeBytes))
})

test('a running transfer is paused, goes on, and is cancelled', async ({ page, product }) => {
  // It does not come to its end by itself within the time of this test, however many lanes there are.
  const url = product.source.serve('/slow.bin', { sizeBytes: 4096 * MIB, bytesPerSecond: MIB / 64 })
  await page.goto(`${product.sluice.url}/transfers/new`)
  await links(page).fill(url)
  await expect(page.getByRole('region', { name: 'Links' })).toContainText(/4(\.0+)? GiB/)
  await page.getByRole('button', { name: /Start transfer/ }).click()
  await expect(heading(page, 'slow.bin')).toBeVisible()
  const state = page.getByRole('banner').or(page.getByRole('main'))
  await expect(state.getByText('Running', { exact: true }).first()).toBeVisible()
  await act(page, 'Pause')
  await expect(state.getByText('Paused', { exact: true }).first()).toBeVisible()
  await act(page, 'Resume')
  await expect(state.getByText('Running', { exact: true }).first()).toBeVisible()
  await act(page, 'Cancel', 'Cancel transfer')
  await expect(state.getByText('Cancelled', { exact: true }).first()).toBeVisible()
})

test('a bucket is tested, added and removed', async ({ page, product }) => {
  await page.goto(`${product.sluice.url}/buckets`)
  const list = page.getByRole('list', { name: 'Buckets' })
  await expect(list.getByRole('listitem')).toHaveCount(1)
  await page.getByRole('button', { name: 'Add a bucket' }).click()
  const dialog = page.getByRole('dialog')
  const { accessKeyId, secretAccessKey } = storeCredentials(product.sluice.dataDir)
  await dialog.getByLabel('Name in Sluice').fill('archive')
  await dialog.getByLabel('Endpoint').fill(product.sluice.storeUrl)
  await dialog.getByLabel('Bucket', { exact: true }).fill('sluice')
  await dialog.getByLabel('Region').fill('us-east-1')
  await dialog.getByLabel('Access key ID').fill(accessKeyId)
  await dialog.getByLabel('Secret access key').fill('not the right one')
  const pathStyle = dialog.getByRole('switch')
  if (!(await pathStyle.isChecked())) await pathStyle.click()
  await dialog.getByRole('button', { name: 'Test', exact: true }).click()
  await expect(dialog.getByText(/key/i).first()).toBeVisible()
  await dialog.getByLabel('Secret access key').fill(secretAccessKey)
  await dialog.getByRole('button', { name: 'Add bucket' }).click()
  await expect(list.getByRole('listitem')).toHaveCount(2)

  await page.getByRole('button', { name: 'Test archive' }).click()
  await expect(page.getByText('The bucket works.')).toBeVisible()
  await page.getByRole('button', { name: 'Actions for archive' }).click()
  await page.getByRole('menuitem', { name: 'Remove…' }).click()
  await page
    .getByRole('alertdialog')
    .or(page.getByRole('dialog'))
    .getByRole('button', { name: 'Remove bucket' })
    .click()
  await expect(list.getByRole('listitem')).toHaveCount(1)
})
