import type { ReactNode } from 'react'
import { cn } from './cn.ts'

/** Says what will be here, or why nothing is, and offers the one action that helps. */
export function EmptyState(props: {
  title: string
  description?: ReactNode
  action?: ReactNode
  icon?: ReactNode
  className?: string
  /** It is all there is of the page, so its title is the page's. */
  isPage?: boolean
}) {
  const Title = props.isPage ? 'h1' : 'h2'
  return (
    <div className={cn('flex flex-col items-center px-4 py-16 text-center', props.className)}>
      {props.icon && <div className="mb-3 text-dim [&_svg]:size-6 [&_svg]:stroke-[1.5]">{props.icon}</div>}
      <Title className="font-medium text-base">{props.title}</Title>
      {props.description && (
        <p className="mt-1 max-w-md text-balance text-muted-foreground text-sm">{props.description}</p>
      )}
      {props.action && <div className="mt-4 flex gap-2">{props.action}</div>}
    </div>
  )
}
