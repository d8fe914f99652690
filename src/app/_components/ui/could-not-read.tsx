import { Unplug } from 'lucide-react'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from './button.tsx'
import { EmptyState } from './empty-state.tsx'

/** In the place of what could not be read: that it could not, why, and another try. */
export function CouldNotRead({ title, error, onRetry }: { title: string; error: unknown; onRetry: () => unknown }) {
  return (
    <EmptyState
      icon={<Unplug aria-hidden />}
      title={title}
      description={failureOf(error).message}
      action={
        <Button variant="outline" onClick={() => void onRetry()}>
          Try again
        </Button>
      }
    />
  )
}
