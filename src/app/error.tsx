'use client'

import { TriangleAlert } from 'lucide-react'
import { Button } from './_components/ui/button.tsx'
import { EmptyState } from './_components/ui/empty-state.tsx'

/** What is shown in place of a page that broke. Details are in the log of the web process, under the digest. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <EmptyState
      icon={<TriangleAlert />}
      title="This page hit an unexpected error"
      description={`Transfers go on without it. Try again; if it stays, look into the log of the web process${error.digest ? ` for ${error.digest}` : ''}.`}
      action={
        <Button variant="outline" onClick={reset}>
          Try again
        </Button>
      }
    />
  )
}
