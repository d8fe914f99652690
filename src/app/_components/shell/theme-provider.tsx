'use client'

import { ThemeProvider as NextThemes } from 'next-themes'
import type { ReactNode } from 'react'

/**
 * Light, dark or as the system is, kept in the browser. Its small inline script sets the class before the first paint; the
 * nonce lets it run under a content security policy.
 */
export function ThemeProvider({ nonce, children }: { nonce: string | undefined; children: ReactNode }) {
  return (
    <NextThemes
      attribute="class"
      defaultTheme="system"
      enableSystem
      disableTransitionOnChange
      {...(nonce ? { nonce } : {})}
      // React complains about a script that it renders in the browser; there it has no use, so it is no script there.
      scriptProps={typeof window === 'undefined' ? {} : { type: 'application/json' }}
    >
      {children}
    </NextThemes>
  )
}
