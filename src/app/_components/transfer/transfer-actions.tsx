'use client'

import { ChartNoAxesCombined, CircleStop, Copy, Pause, Play, RotateCcw, Trash2, X } from 'lucide-react'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { allows } from '../../../server/domain/transfer-state.ts'
import { questionFor } from '../transfers/action-plan.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { BandwidthPopover } from './bandwidth-popover.tsx'
import { useTransferAction } from './use-transfer-action.ts'
import { VerifyMenu } from './verify-menu.tsx'

/** The actions the state allows; the others are not shown. What cannot be taken back asks first. */
export function TransferActions({ transfer }: { transfer: TransferView }) {
  const router = useRouter()
  const action = useTransferAction(transfer.id)
  const [asking, setAsking] = useState<'cancel' | 'remove' | null>(null)
  const { status, cancelling } = transfer
  const can = (name: Parameters<typeof allows>[1]) => allows(status, name) && !cancelling
  const busy = action.isPending
  // The notice of a failure has its own Retry; and with no part in the bucket there is nothing to take back.
  const retries = can('retry') && !(status === 'failed' && transfer.failure && transfer.failure.retry !== 'never')
  const cancels = can('cancel') && !(status === 'failed' && transfer.partsDone === 0)
  const remove = async () => {
    const failure = await action.mutateAsync('remove').catch(() => undefined)
    if (failure === null) router.push('/transfers')
  }
  return (
    <div className="flex flex-wrap items-center gap-2">
      {retries && (
        <Button disabled={busy} onClick={() => action.mutate('retry')} variant="outline">
          <RotateCcw aria-hidden /> Retry
        </Button>
      )}
      {can('resume') && (
        <Button disabled={busy} onClick={() => action.mutate('resume')}>
          <Play aria-hidden /> Resume
        </Button>
      )}
      {can('pause') && (
        <Button disabled={busy} onClick={() => action.mutate('pause')} variant="outline">
          <Pause aria-hidden /> Pause
        </Button>
      )}
      {(status === 'queued' || status === 'running' || status === 'paused') && !cancelling && (
        <BandwidthPopover limit={transfer.bandwidthLimitBytesPerSecond} transferId={transfer.id} />
      )}
      {cancels && (
        <Button disabled={busy} onClick={() => setAsking('cancel')} variant="outline">
          <X aria-hidden /> Cancel
        </Button>
      )}
      {can('stopVerifying') && (
        <Button disabled={busy} onClick={() => action.mutate('stopVerifying')} variant="outline">
          <CircleStop aria-hidden /> Stop verifying
        </Button>
      )}
      {can('verify') && (
        <VerifyMenu
          disabled={busy}
          onVerify={({ reread }) => action.mutate(reread ? 'reread' : 'verify')}
          transfer={transfer}
        />
      )}
      {transfer.startedAt && (
        <Button asChild variant="outline">
          <Link href={`/transfers/${transfer.id}/report`}>
            <ChartNoAxesCombined aria-hidden /> Report
          </Link>
        </Button>
      )}
      <Button asChild variant="outline">
        <Link aria-label="Duplicate" href={`/transfers/new?from=${transfer.id}`}>
          <Copy aria-hidden /> <span className="max-sm:hidden">Duplicate</span>
        </Link>
      </Button>
      {can('remove') && (
        <Button disabled={busy} onClick={() => setAsking('remove')} variant="outline">
          <Trash2 aria-hidden /> Remove
        </Button>
      )}
      {(['cancel', 'remove'] as const).map((name) => {
        const question = questionFor(name, [transfer])
        return (
          question && (
            <ConfirmDialog
              {...question}
              cancelLabel="Keep it"
              destructive
              key={name}
              onConfirm={() => (name === 'remove' ? void remove() : action.mutate('cancel'))}
              onOpenChange={(open) => setAsking(open ? name : null)}
              open={asking === name}
            />
          )
        )
      })}
    </div>
  )
}
