'use client'

import { Slot } from 'radix-ui'
import { type ReactNode, useId } from 'react'
import { cn } from './cn.ts'
import { Label } from './label.tsx'

/**
 * A control with its label, a hint and an error. The one child gets `id`, `aria-describedby` and `aria-invalid`, so that a
 * screen reader reads the sentence with the control.
 */
export function Field(props: {
  label: ReactNode
  hint?: ReactNode
  error?: string | null | undefined
  optional?: boolean
  className?: string
  children: ReactNode
}) {
  const id = useId()
  const note = props.error ?? props.hint
  return (
    <div className={cn('grid content-start gap-1', props.className)}>
      <Label htmlFor={id}>
        {props.label}
        {props.optional && <span className="ml-1.5 font-normal text-dim">optional</span>}
      </Label>
      <Slot.Root
        id={id}
        aria-describedby={note ? `${id}-note` : undefined}
        aria-invalid={props.error ? true : undefined}
      >
        {props.children}
      </Slot.Root>
      {note && (
        <p
          id={`${id}-note`}
          role={props.error ? 'alert' : undefined}
          className={cn('text-xs', props.error ? 'text-destructive' : 'text-muted-foreground')}
        >
          {note}
        </p>
      )}
    </div>
  )
}
