import { expect, type Page } from '@playwright/test'
import { patternBytes } from '../../src/engine/testing/byte-pattern.ts'
import { expectToast, test } from './product-test.ts'

const MIB = 1024 * 1024
const CANARY = 'Bearer canary-of-an-origin'
// An engine that stands still for five seconds is told of as one that will follow.
const PURGED_NOTHING = /^(Nothing of it was cached\.|Asked for\. 1 engine will follow\.)$/m
const PURGED_THREE = /^(Purged 3 slices, 3\.00 MiB, from 1 engine\.|Asked for\. 1 engine will follow\.)$/m
const PURGED = /^(Nothing of it was cached\.|Purged .+ from 1 engine\.|Asked for\. 1 engine will follow\.)$/m
const row = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Origins' }).getByRole('listitem').filter({ hasText: name })

async function choose(page: Page, name: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${name}` }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

test('an origin is published, linked to, changed, purged and removed', async ({ page, product }) => {
  await page.goto(`${product.sluice.url}/origins`)
  await page.getByRole('button', { name: 'Publish an origin' }).click()
  const dialog = page.getByRole('dialog')

  // What cannot be is said beside its field, and the field has the cursor.
  await dialog.getByLabel('Name', { exact: true }).fill('My Films')
  await dialog.getByLabel('Base URL').fill('https://user:secret@files.example.org')
  await dialog.getByRole('button', { name: 'Publish origin' }).click()
  await expect(dialog.getByRole('alert')).toHaveText([/lower-case letters/, /user name or a password/])
  await expect(dialog.getByLabel('Name', { exact: true })).toBeFocused()

  await dialog.getByLabel('Name', { exact: true }).fill('e2e-films')
  await dialog.getByLabel('Base URL').fill('https://files.example.org/public/')
  await dialog.getByLabel('Who may read').click()
  await page.getByRole('option', { name: 'Signed links' }).click()
  await dialog.getByRole('button', { name: 'Add a header' }).click()
  await dialog.getByLabel('Header name').fill('Authorization')
  await dialog.getByLabel('Header value').fill(CANARY)
  await dialog.getByRole('button', { name: 'Publish origin' }).click()
  await expect(row(page, 'e2e-films')).toContainText('files.example.org/public')
  await expect(row(page, 'e2e-films')).toContainText('sends authorization')

  await page.getByRole('button', { name: 'Link to a file of e2e-films' }).click()
  await dialog.getByLabel('Path of the file').fill('a film.mp4')
  await dialog.getByRole('button', { name: 'Sign link' }).click()
  await expect(dialog.locator('code')).toContainText(
    `${product.sluice.engineUrl}/o/e2e-films/a%20film.mp4?sluice-expires=`,
  )
  await page.keyboard.press('Escape')

  await choose(page, 'e2e-films', 'Edit')
  await expect(dialog).toContainText('Their values cannot be shown')
  await dialog.getByText('Freshness, sizes and connections').click()
  await dialog.getByLabel('Fresh for, in seconds').fill('60')
  await dialog.getByLabel('HTTP version').click()
  await page.getByRole('option', { name: 'HTTP/2' }).click()
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await expect(row(page, 'e2e-films')).toContainText('fresh for')
  await expect(row(page, 'e2e-films')).toContainText('over HTTP/2')
  await expect(row(page, 'e2e-films')).toContainText('sends authorization')

  await choose(page, 'e2e-films', 'Purge its cache…')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Purge' }).click()
  await expectToast(page, PURGED_NOTHING)

  expect(await page.content()).not.toContain('canary')
  await choose(page, 'e2e-films', 'Remove…')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove origin' }).click()
  await expect(page.getByText('Nothing is published yet')).toBeVisible()
})

test('the page of the cache shows its tiers, says what is in it, and empties it', async ({ page, product }) => {
  await page.goto(`${product.sluice.url}/cache`)
  await expect(page.getByText('One engine')).toBeVisible()
  await expect(page.getByText('SLUICE_CACHE_DISK=20GiB')).toBeVisible()
  const objects = page.getByRole('region', { name: 'Cached objects' })
  await expect(objects.getByRole('heading', { name: 'Objects' })).toBeVisible()
  await objects.getByLabel('Search cached objects').fill('no-such-file')
  await expect(objects.getByText('Nothing cached matches')).toBeVisible()
  await page.getByRole('button', { name: 'Purge everything' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Purge everything' }).click()
  await expectToast(page, PURGED)
})

test('what readers get is on the pages: slices, figures and a purge of what was read, and why another origin fails', async ({
  page,
  product: { sluice, source },
}) => {
  const file = '/read/take%20%233.bin'
  source.serve(file, { sizeBytes: 3 * MIB })
  source.serve('/failing/locked.bin', { status: 401 })
  source.serve('/failing/broken.bin', { status: 500 })
  const publish = (name: string) =>
    sluice.api.origins.save.mutate({
      name,
      baseUrl: `${source.origin}/${name.slice(4)}`,
      access: 'public',
      ttlSeconds: 600,
    })
  const ids = [(await publish('e2e-read')).id, (await publish('e2e-failing')).id]
  await page.goto(`${sluice.url}/origins`)
  await expect(row(page, 'e2e-read')).toContainText('Not asked yet')
  await expect(row(page, 'e2e-failing')).toContainText('Not asked yet')

  // The link that is copied opens, and gives the bytes.
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.getByRole('button', { name: 'Link to a file of e2e-read' }).click()
  await page.getByRole('dialog').getByLabel('Path of the file').fill('take #3.bin')
  await page.getByRole('button', { name: 'Copy the link' }).click()
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await expect.poll(copied).toContain('/o/e2e-read/')
  const link = await copied()
  await page.keyboard.press('Escape')
  const read = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers })
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
  }
  // An engine looks for new origins at least every five seconds.
  await expect.poll(async () => (await read(link, { range: 'bytes=0-9' })).status).toBe(206)
  expect((await read(link)).body.equals(patternBytes(0, 3 * MIB))).toBe(true)
  await read(link, { range: 'bytes=0-9' })
  await expect(row(page, 'e2e-read')).toContainText('Answers')
  await expect(row(page, 'e2e-read')).toContainText(/[1-9]\d* requests/)
  await expect(row(page, 'e2e-read')).toContainText('3.00 MiB')

  const failing = `${sluice.engineUrl}/o/e2e-failing`
  await expect.poll(async () => (await read(`${failing}/locked.bin`)).status).toBe(502)
  await expect(row(page, 'e2e-failing')).toContainText('Fails')
  await expect(row(page, 'e2e-failing')).toContainText('100 % errors')
  await expect(row(page, 'e2e-failing')).toContainText('asks for a sign-in (401)')
  await expect.poll(async () => (await read(`${failing}/broken.bin`)).status).toBe(503)
  await expect(row(page, 'e2e-failing')).toContainText(/Left alone\s*until \d+:\d\d:\d\d/)
  await expect(row(page, 'e2e-failing')).toContainText('a problem of its own (500)')

  await page.goto(`${sluice.url}/cache`)
  const object = page
    .getByRole('region', { name: 'Cached objects' })
    .getByRole('listitem')
    .filter({ hasText: 'take%20%233' })
  await expect(object.getByRole('img', { name: 'Of 3 slices 3 in memory' })).toBeVisible()
  await expect(page.getByText('of slices found in the last hour')).toBeVisible()
  await object.getByRole('button', { name: /^Purge / }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Purge' }).click()
  await expectToast(page, PURGED_THREE)
  await expect(object).toHaveCount(0)
  const asked = source.requests(file).length
  expect((await read(link)).body.equals(patternBytes(0, 3 * MIB))).toBe(true)
  expect(source.requests(file).length).toBeGreaterThan(asked)
  for (const id of ids) await sluice.api.origins.remove.mutate({ id })
})
