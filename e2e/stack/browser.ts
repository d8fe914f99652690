import { existsSync } from 'node:fs'
import { chromium } from '@playwright/test'
import { findProgram } from '../../scripts/runner/install-programs.ts'

/** The system's Chromium, else the one Playwright brought; null where there is neither. */
export function findBrowser(): string | null {
  const system = findProgram(['chromium', 'chromium-browser', 'google-chrome'])
  if (system) return system
  const own = chromium.executablePath()
  return existsSync(own) ? own : null
}
