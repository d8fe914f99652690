import { expect, type Page } from '@playwright/test'
import axe from 'axe-core'
import { test } from './product-test.ts'

// What a program can find of the rules of WCAG 2.2 (A and AA), on every page, light and dark, and in the dialogs.

const MIB = 1024 * 1024
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Each finding as the rule and the element, so that a failure says where to look. */
async function findings(page: Page): Promise<string[]> {
  // Colours are judged where they have come to rest.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))),
  )
  await page.evaluate(axe.source)
  return await page.evaluate(async (rules) => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, { runOnly: rules })
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
  }, RULES)
}

test('axe finds nothing to object to on any page, in light and in dark', async ({ browser, product }) => {
  test.setTimeout(300_000)
  const { api, url } = product.sluice
  const [bucket] = await api.buckets.list.query()
  if (!bucket) throw new Error('The embedded bucket is always there.')
  const create = async (path: string, sourceUrl: string) =>
    (await api.transfers.create.mutate({ sourceUrl, bucketId: bucket.id, key: path })).id
  const failed = await create('seen-gone.bin', product.source.serve('/seen-gone.bin', { status: 404, body: 'no' }))
  const slow = product.source.serve('/seen-slow.bin', { sizeBytes: 512 * MIB, bytesPerSecond: MIB / 64 })
  const running = await create('seen-slow.bin', slow)
  await expect.poll(async () => (await api.transfers.byId.query({ id: failed })).status).toBe('failed')
  await expect.poll(async () => (await api.transfers.byId.query({ id: running })).status).toBe('running')

  const paths = ['/', '/transfers', '/transfers/new', `/transfers/${running}`, `/transfers/${failed}`]
  paths.push(`/transfers/${failed}/report`, '/reports', `/reports/compare?ids=${failed},${running}`)
  paths.push('/cache', '/origins', '/buckets', '/engines', '/settings', '/no-such-page')
  const dialogs = [
    { path: '/buckets', button: 'Add a bucket' },
    { path: '/origins', button: 'Publish an origin' },
    { path: '/settings', button: 'Create a token' },
  ]
  const found: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ colorScheme, reducedMotion: 'reduce' })
    const page = await context.newPage()
    // What is not colour was judged in the light.
    for (const path of colorScheme === 'light' ? paths : paths.slice(0, 6)) {
      await page.goto(`${url}${path}`)
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
      await expect(page.locator('[aria-busy="true"], .animate-pulse')).toHaveCount(0)
      for (const finding of await findings(page)) found.push(`${path}, ${colorScheme}: ${finding}`)
    }
    for (const { path, button } of colorScheme === 'light' ? dialogs : dialogs.slice(0, 1)) {
      await page.goto(`${url}${path}`)
      await page.getByRole('button', { name: button }).first().click()
      await expect(page.getByRole('dialog')).toBeVisible()
      for (const finding of await findings(page)) found.push(`${path}, ${button}, ${colorScheme}: ${finding}`)
    }
    await context.close()
  }
  await api.transfers.cancel.mutate({ ids: [running] })
  expect(found).toEqual([])
})
