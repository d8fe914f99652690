'use client'

import Link from 'next/link'
import { memo } from 'react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { isSkipped } from '../transfer/transfer-summary.ts'
import { FromTo } from '../transfers/from-to.tsx'
import { tookSeconds } from '../transfers/row-words.ts'
import { Checkbox } from '../ui/checkbox.tsx'
import { cn } from '../ui/cn.ts'
import { Bytes, Duration, Rate } from '../ui/quantity.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { STATUS_WORDS, StatusShape } from '../ui/transfer-status.tsx'

const COLUMNS =
  'md:grid-cols-[1.25rem_minmax(9rem,1.2fr)_6rem_6.5rem_7.5rem_4.5rem] lg:grid-cols-[1.25rem_minmax(9rem,1.2fr)_6rem_6.5rem_7.5rem_minmax(0,1fr)_4.5rem] gap-x-3 px-4 md:px-6'

/** The names of the columns, above the rows. */
export function ReportColumns() {
  return (
    <div
      aria-hidden
      className={cn('mt-3 grid h-8 items-center border-b text-dim text-xs max-md:h-0 max-md:overflow-hidden', COLUMNS)}
    >
      <span className="md:col-start-2">File</span>
      <span className="text-right">Size</span>
      <span className="text-right">Took</span>
      <span className="text-right">Average</span>
      <span className="pl-4 max-lg:hidden">From and to</span>
      <span className="text-right">When</span>
    </div>
  )
}

/** One run: the whole row leads to its report, the tick puts it into the comparison. */
export const ReportRow = memo(function ReportRow(props: {
  transfer: TransferView
  isChosen: boolean
  isFull: boolean
  onToggle: (id: string) => void
}) {
  const { transfer } = props
  const took = tookSeconds(transfer)
  const rate = took && transfer.transferredBytes > 0 && !isSkipped(transfer) ? transfer.transferredBytes / took : null
  return (
    <li
      className={cn(
        'relative grid h-14 grid-cols-[1.25rem_minmax(0,1fr)_auto] items-center border-b md:h-9',
        COLUMNS,
        props.isChosen ? 'bg-water-soft' : 'pointer:hover:bg-muted/60',
      )}
    >
      <Checkbox
        aria-label={`Choose ${transfer.name} to compare`}
        checked={props.isChosen}
        className="z-10 pointer-coarse:size-5"
        disabled={!props.isChosen && props.isFull}
        onCheckedChange={() => props.onToggle(transfer.id)}
      />
      <div className="flex min-w-0 items-center gap-2">
        <StatusShape status={transfer.status} />
        <span className="sr-only">{STATUS_WORDS[transfer.status]}</span>
        <Link
          className="truncate font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:outline-ring focus-visible:after:-outline-offset-2"
          href={`/transfers/${transfer.id}/report`}
          title={transfer.name}
        >
          {transfer.name}
        </Link>
      </div>
      <span className="text-right max-md:hidden">
        <Bytes bytes={transfer.sizeBytes} />
      </span>
      <span className="text-right max-md:hidden">
        <Duration seconds={took} />
      </span>
      <span className="text-right">
        <Rate bytesPerSecond={rate ?? (transfer.status === 'running' ? transfer.bytesPerSecond : null)} />
      </span>
      <FromTo className="pl-4 max-lg:hidden" transfer={transfer} />
      <RelativeTime
        at={transfer.finishedAt ?? transfer.createdAt}
        className="text-right text-dim text-xs max-md:hidden"
      />
    </li>
  )
})
