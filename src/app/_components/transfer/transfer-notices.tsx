'use client'

import { RotateCcw } from 'lucide-react'
import Link from 'next/link'
import type { FailureCode } from '../../../server/domain/failure.ts'
import type { TransferDetail } from '../../../server/domain/transfer.ts'
import { allows, isTerminal } from '../../../server/domain/transfer-state.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { useTransferAction } from './use-transfer-action.ts'

/** After these the finished parts are of no use. */
const STARTS_OVER: ReadonlySet<FailureCode> = new Set([
  'source_changed',
  'source_truncated',
  'upload_lost',
  'upload_conflict',
  'checksum_mismatch',
  'size_mismatch',
])

/** What is wrong is in the settings of the bucket: once they are right, a retry will do. */
const OF_BUCKET: ReadonlySet<FailureCode> = new Set(['bucket_not_found', 'bucket_unauthorized'])

/** What needs to be known before any number: a failure and what to do, remarks, and what is being waited for. */
export function TransferNotices({
  transfer,
  enginesHealthy,
}: {
  transfer: TransferDetail
  enginesHealthy: number | null
}) {
  const waits = !isTerminal(transfer.status) && transfer.status !== 'paused'
  const failure = transfer.status === 'completed' ? null : transfer.failure
  const skippedOnly = transfer.warnings.length === 1 && transfer.warnings[0]?.code === 'skipped_existing'
  return (
    <div className="grid gap-2 empty:hidden">
      {failure && <FailureNotice transfer={transfer} />}
      {transfer.cancelling && (
        <Callout>Being cancelled: the engines stop, and the unfinished upload is removed from the bucket.</Callout>
      )}
      {waits && enginesHealthy === 0 && (
        <Callout title="No engine is running" tone="warning">
          {transfer.status === 'queued' ? 'The transfer waits for one. ' : 'Nothing moves until one is back. '}
          Start one with <code className="num">npm run engine</code>, and it goes on by itself.
        </Callout>
      )}
      {transfer.warnings.length > 0 && !skippedOnly && (
        <Callout tone="warning">
          <ul className="grid gap-0.5">
            {transfer.warnings.map((warning) => (
              <li key={warning.code + warning.message}>{warning.message}</li>
            ))}
          </ul>
        </Callout>
      )}
    </div>
  )
}

function FailureNotice({ transfer }: { transfer: TransferDetail }) {
  const action = useTransferAction(transfer.id)
  const { failure } = transfer
  if (!failure) return null
  if (transfer.status !== 'failed')
    return (
      <Callout title="Tried again after a failure" tone="warning">
        {failure.message}
      </Callout>
    )
  const isOfBucket = OF_BUCKET.has(failure.code)
  const kept = transfer.partsDone > 0 && failure.retry !== 'never' && !STARTS_OVER.has(failure.code)
  return (
    <Callout
      action={
        failure.retry === 'never' ? (
          <Button asChild>
            {isOfBucket ? (
              <Link href="/buckets">Go to its bucket</Link>
            ) : (
              <Link href={`/transfers/new?from=${transfer.id}`}>Change and start again</Link>
            )}
          </Button>
        ) : (
          allows(transfer.status, 'retry') && (
            <Button disabled={action.isPending} onClick={() => action.mutate('retry')}>
              <RotateCcw aria-hidden /> Retry
            </Button>
          )
        )
      }
      className="flex-wrap gap-y-3 px-4 py-3"
      title={failure.message}
      tone="destructive"
    >
      {
        {
          now: 'Trying again now may help.',
          later: 'Try again a little later: the other side was busy or away.',
          never: isOfBucket
            ? 'Trying the same again would fail the same way: set the bucket right, then retry.'
            : 'Trying the same again would fail the same way; change something first.',
        }[failure.retry]
      }
      {kept && ` A retry goes on from the ${transfer.partsDone.toLocaleString('en-US')} parts that are done.`}{' '}
      <code className="num text-xs">{failure.code}</code>
    </Callout>
  )
}
