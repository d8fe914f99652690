'use client'

import { cn } from './cn.ts'
import { formatRelativeTime } from './format-relative-time.ts'
import { useNow } from './use-now.ts'

/** `3 min ago`, kept up to date; the full local time is its title. Nothing is shown until the browser knows its clock. */
export function RelativeTime({ at, className }: { at: Date; className?: string }) {
  const nowMs = useNow()
  return (
    <time
      dateTime={at.toISOString()}
      title={nowMs === null ? undefined : at.toLocaleString()}
      className={cn('whitespace-nowrap tabular-nums', className)}
    >
      {nowMs === null ? '\u00a0' : formatRelativeTime(at.getTime(), nowMs)}
    </time>
  )
}
