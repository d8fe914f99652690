'use client'

import { formatDuration } from '../../../server/domain/duration.ts'
import { cn } from '../ui/cn.ts'
import { useNow } from '../ui/use-now.ts'

/** `Tries again in 40 s`, counted down; the full local time is its title. */
export function NextRun({ at, className }: { at: Date; className?: string }) {
  const nowMs = useNow()
  const leftSeconds = nowMs === null ? 0 : Math.ceil((at.getTime() - nowMs) / 1000)
  return (
    <time
      dateTime={at.toISOString()}
      title={nowMs === null ? undefined : at.toLocaleString()}
      className={cn('whitespace-nowrap tabular-nums', className)}
    >
      {leftSeconds > 0 ? `Tries again in ${formatDuration(leftSeconds)}` : 'Tries again'}
    </time>
  )
}
