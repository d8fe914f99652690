'use client'

import Link from 'next/link'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { RowProgress } from '../transfers/row-progress.tsx'
import { folderOf } from '../transfers/row-words.ts'
import { StatusShape } from '../ui/transfer-status.tsx'

/** What runs, in compact rows. */
export function RunningList({ transfers }: { transfers: readonly TransferView[] }) {
  return (
    <ul className="@container">
      {transfers.map((transfer) => (
        <li
          key={transfer.id}
          className="relative grid min-h-9 content-center items-center gap-x-4 border-b py-2 last:border-b-0 pointer:hover:bg-muted/60 md:grid-cols-[minmax(0,1fr)_auto] md:py-0 @5xl:grid-cols-[minmax(0,1.2fr)_31.5rem_minmax(0,1fr)]"
        >
          <div className="flex min-w-0 items-center gap-2">
            <StatusShape status={transfer.status} label />
            <Link
              href={`/transfers/${transfer.id}`}
              className="truncate font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:outline-ring"
              title={transfer.name}
            >
              {transfer.name}
            </Link>
          </div>
          <RowProgress transfer={transfer} className="max-md:mt-1" />
          <p className="hidden truncate text-right text-muted-foreground @5xl:block">
            {transfer.sourceHost} <span className="text-dim">→</span> {folderOf(transfer)}
          </p>
        </li>
      ))}
    </ul>
  )
}
