import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

/** A key of the keyboard. */
export function Kbd({ className, ...props }: ComponentProps<'kbd'>) {
  return (
    <kbd
      className={cn(
        'inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-sm border bg-muted px-1 font-sans text-[11px] text-muted-foreground leading-none',
        className,
      )}
      {...props}
    />
  )
}
