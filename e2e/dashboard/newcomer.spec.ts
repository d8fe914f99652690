import { createHash } from 'node:crypto'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, type Page, test } from '@playwright/test'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { findBrowser } from '../stack/browser.ts'
import { type RunningSluice, startSluice, storeCredentials } from '../stack/sluice.ts'

// What a newcomer does, in the order they do it, on a product that was started on an empty data folder.

const MIB = 1024 * 1024

test.skip(findBrowser() === null, 'there is no Chromium here')

let sluice: RunningSluice
let source: HostileSource
const consoleErrors: string[] = []

test.beforeAll(async () => {
  test.setTimeout(300_000)
  source = await createHostileSource()
  sluice = await startSluice({ env: { SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.1/32' } })
})

test.afterAll(async () => {
  await sluice?.close()
  await source?.close()
})

test.beforeEach(({ page }) => {
  page.on('pageerror', (error) => consoleErrors.push(error.message))
})

test.afterEach(() => {
  expect(consoleErrors.splice(0)).toEqual([])
})

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { name, level: 1 })
const links = (page: Page) => page.getByLabel('Links to the files')

/** Chooses an action of a transfer's page and, where it asks, says yes. */
async function act(page: Page, name: string, confirm?: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
  if (confirm)
    await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: confirm }).click()
}

test('the first screen shows the sample transfer on its way, and it completes with its parts', async ({ page }) => {
  await page.goto(sluice.url)
  const sample = page.getByRole('link', { name: /sluice-sample-256MiB\.bin/ }).first()
  await expect(sample).toBeVisible()
  await sample.click()
  await expect(heading(page, 'sluice-sample-256MiB.bin')).toBeVisible()
  await expect(page.getByRole('slider', { name: /Map of parts: 16 of 16 parts done/ })).toBeVisible({ timeout: 60_000 })
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()
})

test('a pasted link shows name and size, starts, fills its parts and completes with proof', async ({ page }) => {
  const sizeBytes = 96 * MIB
  const url = source.serve('/disk image.iso'.replace(' ', '%20'), { sizeBytes, bytesPerSecond: 2 * MIB })
  await page.goto(`${sluice.url}/transfers/new`)
  await links(page).fill(url)
  const row = page.getByRole('region', { name: 'Links' }).getByRole('listitem')
  await expect(row).toContainText('disk image.iso')
  await expect(row).toContainText(/96(\.0)? MiB/)
  await expect(row).toContainText('ranges')
  await page.getByRole('button', { name: /Start transfer/ }).click()

  await expect(heading(page, 'disk image.iso')).toBeVisible()
  const map = page.getByRole('slider', { name: /Map of parts:/ })
  await expect(map).toHaveAccessibleName(/[1-9]\d* moving/)
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible({ timeout: 90_000 })
  await expect(map).toHaveAccessibleName(/, 0 moving, 0 waiting/)
  await expect(page.getByText(/^Verified/).first()).toBeVisible()

  const s3 = new S3Client({
    endpoint: sluice.storeUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: storeCredentials(sluice.dataDir),
  })
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'sluice', Key: 'disk image.iso' }))
  const hash = createHash('sha256')
  for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
  s3.destroy()
  expect(hash.digest('hex')).toBe(patternSha256(sizeBytes))
})

test('links that cannot work say so in the form, and nothing starts', async ({ page }) => {
  const cases: [string, RegExp][] = [
    ['ftp://files.example/a.bin', /not ftp:/],
    ['just some words', /white space|begins with https/],
    ['http://no-such-host.invalid/file.bin', /no-such-host\.invalid/],
    ['http://127.0.0.2:9/file.bin', /SLUICE_ALLOWED_PRIVATE_NETWORKS|private|loopback/],
    [source.serve('/missing.bin', { status: 404, body: 'no' }), /404|not there|not found/i],
  ]
  await page.goto(`${sluice.url}/transfers/new`)
  for (const [link, sentence] of cases) {
    await links(page).fill(link)
    const alert = page.getByRole('region', { name: 'Links' }).getByRole('alert')
    await expect(alert).toContainText(sentence)
  }
  await expect(heading(page, 'New transfer')).toBeVisible()
})

test('a running transfer is paused, goes on, and is cancelled', async ({ page }) => {
  const url = source.serve('/slow.bin', { sizeBytes: 200 * MIB, bytesPerSecond: MIB })
  await page.goto(`${sluice.url}/transfers/new`)
  await links(page).fill(url)
  await expect(page.getByRole('region', { name: 'Links' })).toContainText(/200(\.0)? MiB/)
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

test('a bucket is tested, added and removed', async ({ page }) => {
  await page.goto(`${sluice.url}/buckets`)
  const list = page.getByRole('list', { name: 'Buckets' })
  await expect(list.getByRole('listitem')).toHaveCount(1)
  await page.getByRole('button', { name: 'Add a bucket' }).click()
  const dialog = page.getByRole('dialog')
  const { accessKeyId, secretAccessKey } = storeCredentials(sluice.dataDir)
  await dialog.getByLabel('Name in Sluice').fill('archive')
  await dialog.getByLabel('Endpoint').fill(sluice.storeUrl)
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
