'use client'

import { X } from 'lucide-react'
import { Dialog as SheetPrimitive } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './cn.ts'
import { DialogOverlay } from './dialog.tsx'
import { floatingClasses } from './floating.ts'

export const Sheet = SheetPrimitive.Root
export const SheetTrigger = SheetPrimitive.Trigger
export const SheetClose = SheetPrimitive.Close

/** A panel that comes in from the right and leaves the page in view. */
export function SheetContent({
  className,
  children,
  title,
  ...props
}: ComponentProps<typeof SheetPrimitive.Content> & { title: string }) {
  return (
    <SheetPrimitive.Portal>
      <DialogOverlay />
      <SheetPrimitive.Content
        aria-describedby={undefined}
        className={cn(
          floatingClasses,
          'data-[state=closed]:slide-out-to-right-8 data-[state=open]:slide-in-from-right-8 fixed inset-y-0 right-0 flex w-full max-w-md flex-col overflow-y-auto rounded-none border-y-0 border-r-0',
          className,
        )}
        {...props}
      >
        <div className="flex items-center justify-between px-5 pt-4 pb-3">
          <SheetPrimitive.Title className="font-medium text-base">{title}</SheetPrimitive.Title>
          <SheetPrimitive.Close className="focus-ring rounded-sm p-1 text-dim hover:text-foreground" aria-label="Close">
            <X className="size-4" aria-hidden />
          </SheetPrimitive.Close>
        </div>
        {children}
      </SheetPrimitive.Content>
    </SheetPrimitive.Portal>
  )
}
