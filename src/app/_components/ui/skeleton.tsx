import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

/** Holds the place of what is being loaded, in its size. */
export function Skeleton({ className, ...props }: ComponentProps<'div'>) {
  return <div aria-hidden className={cn('animate-pulse rounded-sm bg-muted', className)} {...props} />
}
