'use client'

import { useTheme } from 'next-themes'
import { Toaster as Sonner } from 'sonner'

/** Where short messages appear; call `toast()` of sonner. They stand above the bottom bar of phones. */
export function Toaster() {
  const { resolvedTheme } = useTheme()
  return (
    <Sonner
      theme={resolvedTheme === 'dark' ? 'dark' : 'light'}
      position="bottom-right"
      mobileOffset={{ bottom: 72 }}
      gap={8}
      toastOptions={{
        duration: 6000,
        classNames: {
          toast:
            'border! rounded-md! bg-popover! text-popover-foreground! border-border! shadow-popover! font-sans! text-sm! p-3! gap-2!',
          description: 'text-muted-foreground! text-xs!',
          actionButton: 'bg-primary! text-primary-foreground! rounded-sm!',
          error: '[&_[data-icon]]:text-destructive',
          success: '[&_[data-icon]]:text-success',
          warning: '[&_[data-icon]]:text-warning',
        },
      }}
    />
  )
}
