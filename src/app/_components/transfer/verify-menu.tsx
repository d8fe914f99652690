'use client'

import { ChevronDown, ScanSearch, ShieldCheck } from 'lucide-react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { Button } from '../ui/button.tsx'
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from '../ui/dropdown-menu.tsx'
import { Bytes } from '../ui/quantity.tsx'

/** The two ways to prove an object once more: to ask the bucket, which is quick, or to read all of it back. */
export function VerifyMenu(props: {
  transfer: Pick<TransferView, 'sizeBytes'>
  disabled: boolean
  onVerify: (how: { reread: boolean }) => void
}) {
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button disabled={props.disabled} variant="outline">
          <ShieldCheck aria-hidden /> Verify again <ChevronDown aria-hidden className="text-dim" />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuItem onSelect={() => props.onVerify({ reread: false })}>
          <ShieldCheck aria-hidden />
          Ask the bucket
        </DropdownMenuItem>
        <DropdownMenuItem onSelect={() => props.onVerify({ reread: true })}>
          <ScanSearch aria-hidden />
          Read the object back
          {props.transfer.sizeBytes !== null && (
            <span className="ml-auto pl-4 text-dim">
              <Bytes bytes={props.transfer.sizeBytes} />
            </span>
          )}
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  )
}
