import type { ComponentProps } from 'react'
import { cn } from './cn.ts'
import { controlClasses } from './input.tsx'

/** Several lines of text that grow with what is typed. */
export function Textarea({ className, ...props }: ComponentProps<'textarea'>) {
  return (
    <textarea
      className={cn(
        controlClasses,
        'field-sizing-content min-h-16 resize-y px-2.5 py-1.5 pointer-coarse:text-[16px]',
        className,
      )}
      {...props}
    />
  )
}
