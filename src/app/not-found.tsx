import { Compass } from 'lucide-react'
import type { Metadata } from 'next'
import Link from 'next/link'
import { Button } from './_components/ui/button.tsx'
import { EmptyState } from './_components/ui/empty-state.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <EmptyState
      isPage
      icon={<Compass />}
      title="There is no such page"
      description="The link may be old or have a typing error in it."
      action={
        <Button asChild variant="outline">
          <Link href="/">To the overview</Link>
        </Button>
      }
    />
  )
}
