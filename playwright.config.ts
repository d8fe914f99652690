import { defineConfig } from '@playwright/test'
import { findBrowser } from './e2e/stack/browser.ts'

// The browser tests start the product themselves, each file one of its own (e2e/stack/sluice.ts), so there is no webServer here.
export default defineConfig({
  testDir: 'e2e/dashboard',
  outputDir: 'test-results',
  workers: 1,
  retries: 0,
  // For what has to be seen sometime, on a machine that may do much else; what passes waits no longer for it.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  forbidOnly: process.env.CI !== undefined,
  use: {
    browserName: 'chromium',
    headless: true,
    locale: 'en-US',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: findBrowser() ?? undefined,
      // Chromium's sandbox refuses root.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
})
