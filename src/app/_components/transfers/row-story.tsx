'use client'

import Link from 'next/link'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { Button } from '../ui/button.tsx'
import { cn } from '../ui/cn.ts'
import { Bytes } from '../ui/quantity.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { CompletedStory } from './completed-story.tsx'
import { NextRun } from './next-run.tsx'
import { RowProgress } from './row-progress.tsx'

/** The middle of a row: numbers while it moves, else what became of it in a sentence. */
export function RowStory({
  transfer,
  onRetry,
  className,
}: {
  transfer: TransferView
  onRetry: () => void
  className?: string
}) {
  if (transfer.status === 'failed' && !transfer.cancelling)
    return (
      <div className={cn('flex min-w-0 items-center gap-3', className)}>
        <p
          className="min-w-0 text-destructive max-md:line-clamp-2 max-md:flex-1 md:truncate"
          title={transfer.failure?.message}
        >
          {transfer.failure?.message ?? 'It failed without a reason. The engine log may have one.'}
        </p>
        <Button variant="outline" size="sm" className="relative z-10 ml-auto h-6" onClick={onRetry}>
          Retry
        </Button>
        <span className="w-10 shrink-0 max-md:hidden">{transfer.startedAt && <ReportLink id={transfer.id} />}</span>
      </div>
    )
  if (transfer.status === 'completed')
    return (
      <div className={cn('flex min-w-0 items-center gap-3', className)}>
        <CompletedStory transfer={transfer} className="min-w-0" />
        <ReportLink id={transfer.id} />
      </div>
    )
  if (transfer.status === 'queued')
    return (
      <p className={cn('truncate text-muted-foreground', className)}>
        {transfer.startAt && transfer.startAt.getTime() > transfer.createdAt.getTime() ? (
          <>
            Starts <RelativeTime at={transfer.startAt} />
          </>
        ) : transfer.nextRunAt ? (
          <NextRun at={transfer.nextRunAt} />
        ) : transfer.startedAt ? (
          'Waits to go on'
        ) : (
          'Waits for an engine'
        )}
        {transfer.sizeBytes !== null && (
          <>
            {' · '}
            <Bytes bytes={transfer.sizeBytes} />
          </>
        )}
      </p>
    )
  if (transfer.status === 'cancelled')
    return (
      <p className={cn('truncate text-muted-foreground', className)}>Cancelled; nothing of it is left in the bucket</p>
    )
  return <RowProgress transfer={transfer} className={className} />
}

function ReportLink({ id }: { id: string }) {
  return (
    <Link
      className="relative z-10 ml-auto shrink-0 text-link text-xs underline-offset-4 hover:underline max-md:hidden"
      href={`/transfers/${id}/report`}
    >
      Report
    </Link>
  )
}
