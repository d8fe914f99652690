'use client'

import Link from 'next/link'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { CompletedStory } from '../transfers/completed-story.tsx'
import { folderOf } from '../transfers/row-words.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import { StatusShape } from '../ui/transfer-status.tsx'

/** What arrived last, with its proof. */
export function RecentList({ transfers }: { transfers: readonly TransferView[] }) {
  return (
    <ul className="@container">
      {transfers.map((transfer) => (
        <li
          key={transfer.id}
          className="relative grid min-h-9 grid-cols-[minmax(0,1fr)_auto] content-center items-center gap-x-4 border-b py-2 last:border-b-0 md:py-0 pointer:hover:bg-muted/60 @2xl:grid-cols-[minmax(0,1fr)_minmax(0,1.1fr)_5rem] @5xl:grid-cols-[minmax(0,1fr)_minmax(0,1.1fr)_minmax(0,0.8fr)_5rem]"
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
          <CompletedStory transfer={transfer} className="@max-2xl:order-last @max-2xl:col-span-2 @max-2xl:pl-5" />
          <p className="hidden truncate text-muted-foreground @5xl:block">
            {transfer.sourceHost} <span className="text-dim">→</span> {folderOf(transfer)}
          </p>
          <RelativeTime
            at={transfer.finishedAt ?? transfer.createdAt}
            className="whitespace-nowrap text-right text-dim text-xs"
          />
        </li>
      ))}
    </ul>
  )
}
