'use client'

import { X } from 'lucide-react'
import { Dialog as DialogPrimitive } from 'radix-ui'
import type { ComponentProps, ReactNode } from 'react'
import { cn } from './cn.ts'
import { floatingClasses } from './floating.ts'

export const Dialog = DialogPrimitive.Root

function DialogOverlay({ className, ...props }: ComponentProps<typeof DialogPrimitive.Overlay>) {
  return (
    <DialogPrimitive.Overlay
      className={cn(
        'data-[state=closed]:fade-out-0 data-[state=open]:fade-in-0 fixed inset-0 z-50 bg-black/40 duration-100 data-[state=closed]:animate-out data-[state=open]:animate-in dark:bg-black/60',
        className,
      )}
      {...props}
    />
  )
}

/**
 * A dialog with a title, and a description where one helps. On phones it fills the width at the bottom edge. The content
 * scrolls between header and footer; give it a `DialogFooter` for the buttons.
 */
export function DialogContent({
  className,
  children,
  title,
  description,
  hideTitle = false,
  ...props
}: Omit<ComponentProps<typeof DialogPrimitive.Content>, 'title'> & {
  title: ReactNode
  description?: ReactNode
  hideTitle?: boolean
}) {
  return (
    <DialogPrimitive.Portal>
      <DialogOverlay />
      <DialogPrimitive.Content
        {...(description ? {} : { 'aria-describedby': undefined })}
        className={cn(
          floatingClasses,
          'fixed inset-x-0 bottom-0 flex max-h-[92dvh] w-full flex-col rounded-b-none sm:top-1/2 sm:right-auto sm:bottom-auto sm:left-1/2 sm:max-h-[86dvh] sm:max-w-lg sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-b-md',
          className,
        )}
        {...props}
      >
        <div className={cn('flex items-start gap-4 px-5 pt-4 pb-3', hideTitle && 'sr-only')}>
          <div className="min-w-0 flex-1">
            <DialogPrimitive.Title className="font-medium text-base">{title}</DialogPrimitive.Title>
            {description && (
              <DialogPrimitive.Description className="mt-0.5 text-muted-foreground text-sm">
                {description}
              </DialogPrimitive.Description>
            )}
          </div>
          {!hideTitle && (
            <DialogPrimitive.Close
              className="focus-ring -mr-1 rounded-sm p-1 text-dim transition-colors hover:text-foreground"
              aria-label="Close"
            >
              <X className="size-4" aria-hidden />
            </DialogPrimitive.Close>
          )}
        </div>
        {children}
      </DialogPrimitive.Content>
    </DialogPrimitive.Portal>
  )
}

/** The part of a dialog that scrolls. */
export function DialogBody({ className, ...props }: ComponentProps<'div'>) {
  return <div className={cn('min-h-0 flex-1 overflow-y-auto px-5 py-1', className)} {...props} />
}

/** The buttons of a dialog, the main one last. */
export function DialogFooter({ className, ...props }: ComponentProps<'div'>) {
  return <div className={cn('flex flex-wrap items-center justify-end gap-2 px-5 pt-3 pb-4', className)} {...props} />
}
