import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

/** The looks that every text control shares. */
export const controlClasses =
  'focus-ring w-full min-w-0 rounded-md border border-input bg-background text-sm transition-colors placeholder:text-dim hover:border-dim/60 disabled:cursor-not-allowed disabled:opacity-60 aria-invalid:border-destructive'

/** One line of text. Text is 16 px on touch screens, because iOS zooms into anything smaller. */
export function Input({ className, type = 'text', ...props }: ComponentProps<'input'>) {
  return (
    <input type={type} className={cn(controlClasses, 'h-8 px-2.5 pointer-coarse:text-[16px]', className)} {...props} />
  )
}
