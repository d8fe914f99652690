'use client'

import Link from 'next/link'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { readAgainFraction } from '../transfer/transfer-summary.ts'
import { FromTo } from '../transfers/from-to.tsx'
import { RowProgress } from '../transfers/row-progress.tsx'
import { StatusShape } from '../ui/transfer-status.tsx'

/** What runs, in compact rows. */
export function RunningList({ transfers }: { transfers: readonly TransferView[] }) {
  return (
    <ul className="@container">
      {transfers.map((transfer) => (
        <li
          key={transfer.id}
          className="relative grid min-h-9 content-center items-center gap-x-4 border-b py-2 last:border-b-0 pointer:hover:bg-muted/60 md:grid-cols-[minmax(0,1fr)_auto] md:py-0 @5xl:grid-cols-[minmax(0,1.2fr)_28.5rem_minmax(0,1fr)]"
        >
          <div className="flex min-w-0 items-center gap-2">
            <StatusShape status={readAgainFraction(transfer) === null ? transfer.status : 'verifying'} label />
            <Link
              href={`/transfers/${transfer.id}`}
              className="truncate font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:outline-ring"
              title={transfer.name}
            >
              {transfer.name}
            </Link>
          </div>
          <RowProgress transfer={transfer} className="max-md:mt-1" />
          <FromTo className="hidden justify-end @5xl:flex" transfer={transfer} />
        </li>
      ))}
    </ul>
  )
}
