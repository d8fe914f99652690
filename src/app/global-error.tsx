'use client'

import './globals.css'

/** The last resort, when even the shell broke: it stands alone, without the providers of the layout. */
export default function GlobalError({ error }: { error: Error & { digest?: string } }) {
  return (
    <html lang="en">
      <body>
        <title>Sluice</title>
        <main className="grid min-h-dvh place-content-center px-4 text-center">
          <h1 className="font-medium text-base">The dashboard hit an unexpected error</h1>
          <p className="mt-1 max-w-md text-balance text-muted-foreground">
            Transfers go on without it. Load the page again; if it stays, look into the log of the web process
            {error.digest ? ` for ${error.digest}` : ''}.
          </p>
          <p className="mt-4">
            <a href="/" className="text-link underline underline-offset-4">
              Load the dashboard
            </a>
          </p>
        </main>
      </body>
    </html>
  )
}
