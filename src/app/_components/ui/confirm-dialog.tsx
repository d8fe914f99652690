'use client'

import { AlertDialog } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { cn } from './cn.ts'
import { floatingClasses } from './floating.ts'

/** Asks before something that cannot be taken back. The button says what happens, never "OK". */
export function ConfirmDialog(props: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description: ReactNode
  confirmLabel: string
  cancelLabel?: string
  destructive?: boolean
  onConfirm: () => void
}) {
  return (
    <AlertDialog.Root open={props.open} onOpenChange={props.onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="data-[state=closed]:fade-out-0 data-[state=open]:fade-in-0 fixed inset-0 z-50 bg-black/40 duration-100 data-[state=closed]:animate-out data-[state=open]:animate-in dark:bg-black/60" />
        <AlertDialog.Content
          className={cn(
            floatingClasses,
            'fixed top-1/2 left-1/2 w-[calc(100%-2rem)] max-w-md -translate-x-1/2 -translate-y-1/2 p-5',
          )}
        >
          <AlertDialog.Title className="line-clamp-3 font-medium text-base [overflow-wrap:anywhere]">
            {props.title}
          </AlertDialog.Title>
          <AlertDialog.Description className="mt-1 text-muted-foreground text-sm">
            {props.description}
          </AlertDialog.Description>
          <div className="mt-4 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button variant="outline">{props.cancelLabel ?? 'Keep as it is'}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button variant={props.destructive ? 'destructive' : 'default'} onClick={props.onConfirm}>
                {props.confirmLabel}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
