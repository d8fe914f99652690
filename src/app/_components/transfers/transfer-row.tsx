'use client'

import Link from 'next/link'
import { memo } from 'react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import type { TransferAction } from '../../../server/domain/transfer-state.ts'
import { readAgainFraction } from '../transfer/transfer-summary.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { cn } from '../ui/cn.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import { STATUS_WORDS, StatusShape } from '../ui/transfer-status.tsx'
import { FromTo } from './from-to.tsx'
import { RowMenu } from './row-menu.tsx'
import { RowStory } from './row-story.tsx'

const ROW_HEIGHT_PX = 36
const NARROW_ROW_HEIGHT_PX = 64
const NARROW_FAILED_HEIGHT_PX = 84

/** How high a row is: on narrow windows a failure has two lines of its own. */
export function rowHeightPx(transfer: TransferView | undefined, wide: boolean): number {
  if (wide) return ROW_HEIGHT_PX
  return transfer && hasFailed(transfer) ? NARROW_FAILED_HEIGHT_PX : NARROW_ROW_HEIGHT_PX
}

function hasFailed(transfer: TransferView): boolean {
  return transfer.status === 'failed' && !transfer.cancelling
}

/** One transfer in the list: a row of columns, or two lines where the window is narrow. The whole row leads to its page. */
export const TransferRow = memo(function TransferRow(props: {
  transfer: TransferView
  s3Path: string
  position: number
  total: number
  selected: boolean
  onToggle: (id: string, shift: boolean) => void
  onAction: (action: TransferAction, transfer: TransferView) => void
  onMenu: (open: boolean) => void
}) {
  const { transfer } = props
  const wide = hasFailed(transfer)
  return (
    <li
      aria-posinset={props.position}
      aria-setsize={props.total}
      className={cn(
        'group relative grid grid-cols-[minmax(0,1fr)_auto] content-center items-center gap-x-3 border-b px-4 md:h-9 md:grid-cols-[1rem_minmax(9rem,1fr)_minmax(0,1.6fr)_4.5rem_1.5rem] md:px-6 @5xl:grid-cols-[1rem_minmax(10rem,1.1fr)_28.5rem_minmax(0,1fr)_4.5rem_1.5rem]',
        wide ? 'h-21' : 'h-16',
        props.selected ? 'bg-water-soft' : 'pointer:hover:bg-muted/60',
      )}
    >
      <Checkbox
        checked={props.selected}
        aria-label={`Select ${transfer.name}`}
        className="z-10 max-md:hidden"
        onClick={(event) => props.onToggle(transfer.id, event.shiftKey)}
      />
      <div className="flex min-w-0 items-center gap-2">
        <StatusShape status={readAgainFraction(transfer) === null ? transfer.status : 'verifying'} />
        <span className="sr-only">{transfer.cancelling ? 'Cancelling' : STATUS_WORDS[transfer.status]}</span>
        <Link
          href={`/transfers/${transfer.id}`}
          className="truncate font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:outline-ring focus-visible:after:-outline-offset-2"
          title={transfer.name}
        >
          {transfer.name}
        </Link>
      </div>
      <div className="row-span-2 self-center md:hidden">
        <RowMenu
          transfer={transfer}
          s3Path={props.s3Path}
          onAction={(action) => props.onAction(action, transfer)}
          onOpenChange={props.onMenu}
        />
      </div>
      <RowStory
        transfer={transfer}
        onRetry={() => props.onAction('retry', transfer)}
        className={cn('max-md:mt-1', wide && '@5xl:col-span-2')}
      />
      {!wide && <FromTo className="hidden @5xl:flex" transfer={transfer} />}
      <RelativeTime
        at={transfer.finishedAt ?? transfer.createdAt}
        className="text-right text-dim text-xs max-md:hidden"
      />
      <div className="max-md:hidden">
        <RowMenu
          transfer={transfer}
          s3Path={props.s3Path}
          onAction={(action) => props.onAction(action, transfer)}
          onOpenChange={props.onMenu}
        />
      </div>
    </li>
  )
})
