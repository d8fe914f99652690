'use client'

import { Tooltip as TooltipPrimitive } from 'radix-ui'
import type { ReactNode } from 'react'
import { cn } from './cn.ts'
import { floatingClasses } from './floating.ts'

export const TooltipProvider = TooltipPrimitive.Provider

/** Words for the one child, shown on hover and focus. The child keeps a name of its own for screen readers. */
export function Tooltip(props: {
  content: ReactNode
  children: ReactNode
  side?: 'top' | 'right' | 'bottom' | 'left'
  className?: string
}) {
  return (
    <TooltipPrimitive.Root>
      <TooltipPrimitive.Trigger asChild>{props.children}</TooltipPrimitive.Trigger>
      <TooltipPrimitive.Portal>
        <TooltipPrimitive.Content
          side={props.side}
          sideOffset={6}
          collisionPadding={8}
          className={cn(floatingClasses, 'max-w-xs px-2 py-1 text-xs', props.className)}
        >
          {props.content}
        </TooltipPrimitive.Content>
      </TooltipPrimitive.Portal>
    </TooltipPrimitive.Root>
  )
}
