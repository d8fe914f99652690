'use client'

import Link from 'next/link'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { useTransferActions } from '../transfers/use-transfer-actions.ts'
import { Button } from '../ui/button.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { StatusShape } from '../ui/transfer-status.tsx'

/** What failed and why: the whole sentence, because it says what to do. */
export function FailedList({ transfers }: { transfers: readonly TransferView[] }) {
  const { apply, isPending } = useTransferActions()
  return (
    <ul>
      {transfers.map((transfer) => (
        <li
          key={transfer.id}
          className="relative grid grid-cols-[minmax(0,1fr)_auto] items-start gap-x-4 border-b py-2 last:border-b-0 pointer:hover:bg-muted/60"
        >
          <div className="min-w-0">
            <div className="flex min-w-0 items-center gap-2">
              <StatusShape status="failed" label />
              <Link
                href={`/transfers/${transfer.id}`}
                className="truncate font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:outline-ring"
              >
                {transfer.name}
              </Link>
              <RelativeTime at={transfer.finishedAt ?? transfer.createdAt} className="shrink-0 text-dim text-xs" />
            </div>
            <p className="mt-0.5 break-words pl-5 text-muted-foreground">{transfer.failure?.message}</p>
          </div>
          <Button
            variant="outline"
            size="sm"
            className="relative z-10"
            disabled={isPending}
            aria-label={`Retry ${transfer.name}`}
            onClick={() => apply('retry', [transfer.id])}
          >
            Retry
          </Button>
        </li>
      ))}
    </ul>
  )
}
