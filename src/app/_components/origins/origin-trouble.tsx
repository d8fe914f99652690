import { cn } from '../ui/cn.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type ListedOrigin, troubleOf } from './origin-words.ts'

/** Why readers of an origin get errors, and what to do about it; nothing where they do not. */
export function OriginTrouble({ origin, className }: { origin: ListedOrigin; className?: string }) {
  const failure = troubleOf(origin.stats)
  if (origin.problem === null && failure === null) return null
  return (
    <div className={cn('grid gap-1 break-words text-muted-foreground', className)}>
      {origin.problem !== null && (
        <p>
          {origin.stats !== null && 'Not every engine serves it. '}
          {origin.problem}
        </p>
      )}
      {failure && (
        <p>
          {failure.message}{' '}
          <span className="text-dim">
            <RelativeTime at={new Date(failure.atMs)} />
          </span>
        </p>
      )}
    </div>
  )
}
