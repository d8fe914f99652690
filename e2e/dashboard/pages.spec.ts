import { expect, type Page } from '@playwright/test'
import type { HostileBehaviour } from '../../src/engine/testing/hostile-behaviour.ts'
import { type Product, test } from './product-test.ts'

// What holds for every page: both colour schemes from the first frame on, phones, and numbers that go on by themselves.

const MIB = 1024 * 1024

/** A finished, a failed and a running transfer with a name that is too long for any window, so that no page is empty. */
async function transfers(product: Product): Promise<{ done: string; failed: string; running: string }> {
  const { api } = product.sluice
  const [bucket] = await api.buckets.list.query()
  if (!bucket) throw new Error('The embedded bucket is always there.')
  const create = async (path: string, behaviour: HostileBehaviour) => {
    const sourceUrl = product.source.serve(path, behaviour)
    return (await api.transfers.create.mutate({ sourceUrl, bucketId: bucket.id, key: path.slice(1) })).id
  }
  const name = `${'a-name-without-any-place-to-break-it-'.repeat(6)}end.bin`
  return {
    done: await create('/done.bin', { sizeBytes: 2 * MIB }),
    failed: await create('/gone.bin', { status: 404, body: 'no' }),
    // Still running at the end of the test, and little work for a machine that draws pages.
    running: await create(`/${name}`, { sizeBytes: 2048 * MIB, bytesPerSecond: MIB / 64 }),
  }
}

async function until(page: Page, url: string, state: string): Promise<void> {
  await page.goto(url)
  await expect(page.getByRole('main').getByText(state, { exact: true }).first()).toBeVisible()
}

test('every page is as wide as the phone and has the colours of the system from its first frame', async ({
  browser,
  page,
  product,
}) => {
  // Some fifteen pages, each a load of its own, on a machine that does other things too.
  test.setTimeout(300_000)
  const { done, failed, running } = await transfers(product)
  await until(page, `${product.sluice.url}/transfers/${done}`, 'Done')
  await until(page, `${product.sluice.url}/transfers/${failed}`, 'Failed')
  await until(page, `${product.sluice.url}/transfers/${running}`, 'Running')
  const paths = [
    '/',
    '/transfers',
    '/transfers/new',
    '/reports',
    '/cache',
    '/origins',
    '/buckets',
    '/engines',
    '/settings',
    '/no-such-page',
  ]
  paths.push(...[done, failed, running].map((id) => `/transfers/${id}`), `/transfers/${running}/report`)
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 390, height: 844 }, hasTouch: true })
    const phone = await context.newPage()
    await phone.addInitScript(() => {
      const look = () => {
        if (!document.body) requestAnimationFrame(look)
        else document.documentElement.dataset.firstBackground = getComputedStyle(document.body).backgroundColor
      }
      requestAnimationFrame(look)
    })
    // Widths do not depend on colours, so the light scheme is looked at where colours are.
    for (const path of colorScheme === 'dark' ? paths : ['/', `/transfers/${running}`]) {
      await phone.goto(`${product.sluice.url}${path}`)
      await expect(phone.getByRole('navigation', { name: 'Pages' })).toBeVisible()
      const seen = await phone.evaluate(() => {
        const now = getComputedStyle(document.body).backgroundColor
        const brush = new OffscreenCanvas(1, 1).getContext('2d')
        if (brush) {
          brush.fillStyle = now
          brush.fillRect(0, 0, 1, 1)
        }
        return {
          sidewaysPx: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          first: document.documentElement.dataset.firstBackground,
          now,
          green: brush?.getImageData(0, 0, 1, 1).data[1],
        }
      })
      expect({ path, sidewaysPx: seen.sidewaysPx }).toEqual({ path, sidewaysPx: 0 })
      expect(seen.first ?? seen.now).toBe(seen.now)
      if (colorScheme === 'dark') expect(seen.green).toBeLessThan(60)
      else expect(seen.green).toBeGreaterThan(240)
    }
    await context.close()
  }
  // Between phone and desk the name of a transfer has its line, and not what the buttons beside it leave.
  await page.setViewportSize({ width: 768, height: 900 })
  await page.goto(`${product.sluice.url}/transfers/${running}`)
  const name = await page.getByRole('main').getByRole('heading', { level: 1 }).boundingBox()
  expect(name?.width).toBeGreaterThan(200)
  await product.sluice.api.transfers.cancel.mutate({ ids: [running] })
})

test('the chart of a running transfer goes on by itself after its engine was killed', async ({ page, product }) => {
  const sourceUrl = product.source.serve('/killed.bin', { sizeBytes: 1024 * MIB, bytesPerSecond: MIB / 64 })
  const [bucket] = await product.sluice.api.buckets.list.query()
  if (!bucket) throw new Error('The embedded bucket is always there.')
  const { id } = await product.sluice.api.transfers.create.mutate({ sourceUrl, bucketId: bucket.id, key: 'killed.bin' })
  await page.goto(`${product.sluice.url}/transfers/${id}`)
  const seconds = async () => {
    const words = await page.locator('figcaption').first().textContent()
    const [, minutes, rest] = /Throughput over (\d+):(\d\d)/.exec(words ?? '') ?? []
    return Number(minutes ?? 0) * 60 + Number(rest ?? 0)
  }
  await expect.poll(seconds).toBeGreaterThanOrEqual(3)
  await page.evaluate(() => {
    document.documentElement.dataset.sameDocument = 'yes'
  })
  await product.sluice.killEngine()
  const drawn = await seconds()
  await expect.poll(seconds, { timeout: 180_000 }).toBeGreaterThanOrEqual(drawn + 5)
  await expect(page.locator('html')).toHaveAttribute('data-same-document', 'yes')
  await expect(page.getByRole('main').getByText('Running', { exact: true }).first()).toBeVisible()
  await product.sluice.api.transfers.cancel.mutate({ ids: [id] })
})
