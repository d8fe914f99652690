import { test as base, expect, type Page } from '@playwright/test'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { findBrowser } from '../stack/browser.ts'
import { type RunningSluice, startSluice } from '../stack/sluice.ts'

/** The product, started on an empty data folder, and a source beside it. */
export interface Product {
  readonly sluice: RunningSluice
  readonly source: HostileSource
}

interface TestFixtures {
  readonly pageErrors: string[]
}

/**
 * A test of the dashboard. All files share one product, which the first of them finds as new; after a failure there is a new one. A
 * page that throws fails its test. Without a browser all tests are skipped.
 */
export const test = base.extend<TestFixtures, { product: Product }>({
  product: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures it needs from this pattern.
    async ({}, use) => {
      const source = await createHostileSource()
      const sluice = await startSluice({ env: { SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.1/32' } })
      await use({ source, sluice })
      await sluice.close()
      await source.close()
    },
    { scope: 'worker', timeout: 300_000 },
  ],
  pageErrors: [
    async ({ page }, use) => {
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(error.message))
      await page.addInitScript(rememberToasts)
      await use(errors)
      expect(errors).toEqual([])
    },
    { auto: true },
  ],
})

/** Keeps the words of each toast of this document: one is gone after some seconds, seen or not. */
function rememberToasts(): void {
  const said = new Set<string>()
  Object.assign(window, { said })
  new MutationObserver(() => {
    for (const toast of document.querySelectorAll('[data-sonner-toast]')) said.add(toast.textContent ?? '')
  }).observe(document, { childList: true, subtree: true, characterData: true })
}

/** Waits until a toast has said so since the page was loaded. */
export async function expectToast(page: Page, words: RegExp): Promise<void> {
  const said = () => page.evaluate(() => [...(window as unknown as { said: Set<string> }).said].join('\n'))
  await expect.poll(said).toMatch(words)
}

test.skip(findBrowser() === null, 'there is no Chromium here')
