'use client'

import {
  ChartNoAxesCombined,
  CircleStop,
  Copy,
  Ellipsis,
  Files,
  Pause,
  Play,
  RotateCcw,
  ShieldCheck,
  Trash2,
  X,
} from 'lucide-react'
import { useRouter } from 'next/navigation'
import { toast } from 'sonner'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { allows, TRANSFER_ACTIONS, type TransferAction } from '../../../server/domain/transfer-state.ts'
import { Button } from '../ui/button.tsx'
import { copyText } from '../ui/copy-text.ts'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '../ui/dropdown-menu.tsx'
import { ACTION_NAMES } from './action-plan.ts'

const ICONS = {
  pause: Pause,
  resume: Play,
  retry: RotateCcw,
  cancel: X,
  remove: Trash2,
  verify: ShieldCheck,
  stopVerifying: CircleStop,
} as const

/** What can be done with one transfer. `s3Path` is `s3://BUCKET/KEY` with the name the store knows the bucket by. */
export function RowMenu(props: {
  transfer: TransferView
  s3Path: string
  onAction: (action: TransferAction) => void
  onOpenChange?: (open: boolean) => void
}) {
  const router = useRouter()
  const { transfer } = props
  const actions = TRANSFER_ACTIONS.filter((action) => !transfer.cancelling && allows(transfer.status, action))
  const copy = async (text: string, what: string) => {
    if (await copyText(text)) toast.success(`Copied ${what}.`)
    else toast.error('The browser did not let us copy. Select the text on the page of the transfer instead.')
  }
  return (
    <DropdownMenu onOpenChange={props.onOpenChange}>
      <DropdownMenuTrigger asChild>
        <Button
          variant="ghost"
          size="icon-sm"
          className="relative z-10 data-[state=open]:bg-accent pointer-coarse:size-9"
          aria-label={`Actions for ${transfer.name}`}
        >
          <Ellipsis className="size-4" aria-hidden />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        {actions.map((action) => {
          const Icon = ICONS[action]
          const destructive = action === 'cancel' || action === 'remove'
          return (
            <DropdownMenuItem key={action} destructive={destructive} onSelect={() => props.onAction(action)}>
              <Icon aria-hidden />
              {ACTION_NAMES[action]}
              {destructive && '…'}
            </DropdownMenuItem>
          )
        })}
        {actions.length > 0 && <DropdownMenuSeparator />}
        {transfer.startedAt && (
          <DropdownMenuItem onSelect={() => router.push(`/transfers/${transfer.id}/report`)}>
            <ChartNoAxesCombined aria-hidden />
            Report
          </DropdownMenuItem>
        )}
        <DropdownMenuItem onSelect={() => router.push(`/transfers/new?from=${transfer.id}`)}>
          <Files aria-hidden />
          Duplicate
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => copy(transfer.sourceUrl, 'the source URL')}>
          <Copy aria-hidden />
          Copy source URL
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => copy(props.s3Path, 'the S3 path')}>
          <Copy aria-hidden />
          Copy S3 path
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
