import { expect, type Page } from '@playwright/test'
import { test } from './product-test.ts'

const CANARY = 'Bearer canary-of-an-origin'
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
  await dialog.getByRole('button', { name: 'Save changes' }).click()
  await expect(row(page, 'e2e-films')).toContainText('fresh for')
  await expect(row(page, 'e2e-films')).toContainText('sends authorization')

  await choose(page, 'e2e-films', 'Purge its cache…')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Purge' }).click()
  await expect(page.getByText('Nothing of it was cached.')).toBeVisible()

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
  await expect(page.getByText(/^(Nothing of it was cached|Purged )/)).toBeVisible()
})
