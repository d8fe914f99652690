'use client'

import { ArrowRight } from 'lucide-react'
import { formatBytes } from '../../../server/domain/bytes.ts'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { NextRun } from '../transfers/next-run.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { formatRelativeTime } from '../ui/format-relative-time.ts'
import { TransferStatus } from '../ui/transfer-status.tsx'
import { useNow } from '../ui/use-now.ts'
import { TransferActions } from './transfer-actions.tsx'
import { percentText, planText, readAgainFraction } from './transfer-summary.ts'

/** Name, state, actions; below: from where to where, and the plan. */
export function TransferHeader({ transfer, engineCount }: { transfer: TransferView; engineCount: number }) {
  const target = `${transfer.bucketName}/${transfer.key}`
  return (
    <header className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-2">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2">
        <div className="flex min-w-0 flex-auto flex-wrap items-center gap-x-4 gap-y-1 sm:flex-nowrap max-sm:basis-full">
          <h1
            className="line-clamp-2 wrap-anywhere min-w-0 font-medium text-xl leading-8 tracking-tight max-sm:basis-full"
            title={transfer.name}
          >
            {transfer.name}
          </h1>
          <p className="flex max-w-full shrink-0 flex-wrap items-center gap-x-2 text-base">
            <TransferStatus cancelling={transfer.cancelling} status={transfer.status} />
            <Progress transfer={transfer} />
            {transfer.nextRunAt && (
              <NextRun
                at={transfer.nextRunAt}
                className="ml-1 inline-block text-muted-foreground first-letter:lowercase"
              />
            )}
          </p>
        </div>
        <TransferActions transfer={transfer} />
      </div>
      <div className="grid gap-x-6 gap-y-1 text-muted-foreground xl:grid-cols-[minmax(0,1fr)_auto]">
        <p className="flex min-w-0 flex-wrap items-center gap-x-2">
          <span className="flex min-w-0 items-center gap-1">
            <span className="line-clamp-2 wrap-anywhere min-w-0 text-foreground" title={transfer.sourceUrl}>
              {transfer.sourceUrl}
            </span>
            <CopyButton label="Copy the link, without its secrets" text={transfer.sourceUrl} />
          </span>
          <span className="flex min-w-0 items-center gap-1">
            <ArrowRight aria-label="into" className="mr-1 size-3.5 shrink-0" />
            <span className="line-clamp-2 wrap-anywhere min-w-0 text-foreground" title={target}>
              {target}
            </span>
            <CopyButton label="Copy the key" text={transfer.key} />
          </span>
        </p>
        <p className="num leading-6">
          {planText(transfer)}
          {engineCount > 0 && ` · ${engineCount === 1 ? '1 engine' : `${engineCount} engines`}`}
        </p>
      </div>
    </header>
  )
}

function Progress({ transfer }: { transfer: TransferView }) {
  const nowMs = useNow()
  if (transfer.status === 'completed') return null
  if (transfer.status === 'queued' && transfer.startAt && nowMs !== null && transfer.startAt.getTime() > nowMs)
    return (
      <span className="text-muted-foreground" title={transfer.startAt.toLocaleString()}>
        starts {formatRelativeTime(transfer.startAt.getTime(), nowMs)}
      </span>
    )
  if (readAgainFraction(transfer) !== null)
    return <span className="text-muted-foreground">all parts are in the bucket</span>
  const bytes = formatBytes(transfer.transferredBytes)
  if (transfer.sizeBytes === null)
    return <span className="num text-muted-foreground">{transfer.transferredBytes > 0 ? `${bytes} so far` : ''}</span>
  if (transfer.status === 'queued' && transfer.transferredBytes === 0) return null
  return (
    <span className="num inline-block min-w-[5ch]">
      {percentText(transfer)}
      <span className="ml-3 text-muted-foreground">
        {bytes} of {formatBytes(transfer.sizeBytes)}
      </span>
    </span>
  )
}
