import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import { GeistMono } from 'geist/font/mono'
import { GeistSans } from 'geist/font/sans'
import type { Metadata, Viewport } from 'next'
import { headers } from 'next/headers'
import type { ReactNode } from 'react'
import { AppShell } from './_components/shell/app-shell.tsx'
import { ThemeProvider } from './_components/shell/theme-provider.tsx'
import { Toaster } from './_components/ui/toaster.tsx'
import { TooltipProvider } from './_components/ui/tooltip.tsx'
import { ApiProvider } from './_trpc/client.tsx'
import { makeQueryClient } from './_trpc/query-client.ts'
import { trpc } from './_trpc/server.ts'
import './globals.css'

export const metadata: Metadata = {
  title: { default: 'Sluice', template: '%s · Sluice' },
  description: 'Streams big files from any HTTP(S) URL into S3-compatible buckets, with proof.',
}

export const viewport: Viewport = {
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#ffffff' },
    { media: '(prefers-color-scheme: dark)', color: '#121416' },
  ],
  viewportFit: 'cover',
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  // Set by src/proxy.ts for each request; reading it also keeps pages from being prerendered with a stale nonce.
  const nonce = (await headers()).get('x-nonce') ?? undefined
  // The live pill stands on every page; with its first answer sent along nothing moves when the browser takes over.
  const shellQueries = makeQueryClient()
  await shellQueries.prefetchQuery({ ...trpc.system.health.queryOptions(), retry: false })
  return (
    <html lang="en" className={`${GeistSans.variable} ${GeistMono.variable}`} suppressHydrationWarning>
      <body>
        <ThemeProvider nonce={nonce}>
          <ApiProvider>
            <TooltipProvider delayDuration={300}>
              <HydrationBoundary state={dehydrate(shellQueries)}>
                <AppShell>{children}</AppShell>
              </HydrationBoundary>
            </TooltipProvider>
          </ApiProvider>
          <Toaster />
        </ThemeProvider>
      </body>
    </html>
  )
}
