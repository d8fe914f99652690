import { expect, type Page } from '@playwright/test'
import { LOGIN_PAGE, redirectTo } from '../../src/engine/testing/hostile-behaviour.ts'
import { storeCredentials } from '../stack/sluice.ts'
import { test } from './product-test.ts'

// What people get wrong, in the form: each time a sentence that says what to do, and nothing that cannot work is started.

const MIB = 1024 * 1024
const TIB = MIB * MIB

const links = (page: Page) => page.getByLabel('Links to the files')
const rows = (page: Page) => page.getByRole('region', { name: 'Links' }).getByRole('listitem')
const start = (page: Page) => page.getByRole('button', { name: /^Start / })

test('links that cannot work say why, side by side, and are left out of the start', async ({ page, product }) => {
  const { source } = product
  const cases: [link: string, sentence: RegExp][] = [
    ['ftp://files.example/a.bin', /not ftp:/],
    ['file:///etc/passwd', /not file:/],
    ['just some words', /not a web link/],
    ['http://no-such-host.invalid/host.bin', /no-such-host\.invalid.*typing mistake/],
    ['http://127.0.0.2:9/private.bin', /not a public address.*SLUICE_ALLOWED_PRIVATE_NETWORKS/],
    ['http://127.0.0.1:9/refused.bin', /refused/],
    [source.serve('/missing.bin', { status: 404, body: 'no' }), /There is no file \(404\)/],
    [source.serve('/denied.bin', { status: 401, body: 'no' }), /sign-in \(401\).*Authorization/],
    [source.serve('/loop.bin', redirectTo('/loop.bin')), /redirects more than/],
    [source.serve('/huge.bin', { sizeBytes: 60 * TIB }), /60\.0 TiB.*at most 48\.8 TiB/],
  ]
  const good = source.serve('/good.bin', { sizeBytes: 3 * MIB })
  await page.goto(`${product.sluice.url}/transfers/new`)
  await links(page).fill([...cases.map(([link]) => link), good].join('\n'))
  for (const [index, [, sentence]] of cases.entries())
    await expect(rows(page).nth(index).getByRole('alert')).toContainText(sentence)
  await expect(rows(page).nth(cases.length)).toContainText('3.00 MiB')
  // A refused connection may be a server that is starting; everything else would fail again.
  await expect(start(page)).toHaveText(/Start 2 transfers/)
  await expect(page.getByText('9 lines cannot be started')).toBeVisible()
})

test('a page in place of a file, an empty file and one of unknown length are remarks, not errors', async ({
  page,
  product,
}) => {
  const { source } = product
  const answers = [
    source.serve('/report.zip', LOGIN_PAGE),
    source.serve('/empty.txt', { sizeBytes: 0 }),
    source.serve('/stream.bin', { sizeBytes: 20 * MIB, ranges: 'ignored', length: 'chunked' }),
  ]
  await page.goto(`${product.sluice.url}/transfers/new`)
  await links(page).fill(answers.join('\n'))
  await expect(rows(page).nth(0)).toContainText('web page')
  await expect(rows(page).nth(1)).toContainText('0 B')
  await expect(rows(page).nth(2)).toContainText('Up to 625.0 GiB will fit')
  await page
    .locator('summary')
    .filter({ hasText: /^Options/ })
    .click()
  await page.getByRole('combobox', { name: 'Part size' }).click()
  await page.getByRole('option', { name: 'My own' }).click()
  await page.getByLabel('Own part size').fill('256 MiB')
  await expect(rows(page).nth(2)).toContainText('Up to 2.44 TiB will fit, in 10,000 parts of 256.0 MiB.')
  await expect(page.getByRole('region', { name: 'Links' }).getByRole('alert')).toHaveCount(0)
  await expect(start(page)).toHaveText(/Start 3 transfers/)
})

test('keys that no bucket takes say so beside the key, and hold the start back', async ({ page, product }) => {
  const url = product.source.serve('/key.bin', { sizeBytes: MIB })
  await page.goto(`${product.sluice.url}/transfers/new`)
  await links(page).fill(url)
  const key = rows(page).getByRole('textbox', { name: /^Key for/ })
  await expect(key).toHaveValue('key.bin')
  const cases: [key: string, sentence: RegExp][] = [
    ['', /empty|needs a key|Give/i],
    ['a/../b.bin', /\.\./],
    ['a\tb.bin', /control/i],
    ['k'.repeat(1025), /1,?024/],
  ]
  for (const [value, sentence] of cases) {
    await key.fill(value)
    await expect(rows(page).getByRole('alert')).toContainText(sentence)
    await expect(start(page)).toBeDisabled()
  }
  await key.fill('fine.bin')
  await expect(start(page)).toBeEnabled()
})

test('a key that is taken fails with what to do, and the failure leads back to the form', async ({ page, product }) => {
  const { api, url } = product.sluice
  const sourceUrl = product.source.serve('/twice.bin', { sizeBytes: MIB })
  const [bucket] = await api.buckets.list.query()
  if (!bucket) throw new Error('The embedded bucket is always there.')
  const first = await api.transfers.create.mutate({ sourceUrl, bucketId: bucket.id, key: 'twice.bin' })
  await page.goto(`${url}/transfers/${first.id}`)
  await expect(page.getByRole('main').getByText('Done', { exact: true })).toBeVisible()

  await page.goto(`${url}/transfers/new?from=${first.id}`)
  await expect(page.getByText(/What happens when the key is taken.* not copied/)).toBeVisible()
  await expect(rows(page)).toContainText('1.00 MiB')
  await start(page).click()
  const alert = page
    .getByRole('alert')
    .filter({ hasText: /key|exists/i })
    .first()
  await expect(alert).toContainText(/overwrite|another key|skip/i)
})

test('a bucket that cannot be used says what is wrong with it, where it is seen', async ({ page, product }) => {
  const { accessKeyId, secretAccessKey } = storeCredentials(product.sluice.dataDir)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(`${product.sluice.url}/buckets`)
  await page.getByRole('button', { name: 'Add a bucket' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Add bucket' }).click()
  await expect(dialog.getByLabel('Name in Sluice')).toBeFocused()
  const fill = async (fields: Record<string, string>) => {
    for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(value)
  }
  await fill({ 'Name in Sluice': 'archive', Region: 'us-east-1', 'Access key ID': accessKeyId })
  await dialog.getByRole('switch').click()
  const cases: [fields: Record<string, string>, sentence: RegExp][] = [
    [{ Endpoint: product.sluice.storeUrl, Bucket: 'sluice', 'Secret access key': 'not-the-right-one' }, /secret/],
    [{ Bucket: 'not-there', 'Secret access key': secretAccessKey }, /no bucket not-there/],
    [{ Bucket: 'sluice', Endpoint: 'http://127.0.0.1:9' }, /refused the connection/],
    [{ Endpoint: product.sluice.storeUrl }, /The bucket works\./],
  ]
  for (const [fields, sentence] of cases) {
    await fill(fields)
    await dialog.getByRole('button', { name: 'Test', exact: true }).click()
    await expect(dialog.getByText(sentence).first()).toBeInViewport()
  }
})
