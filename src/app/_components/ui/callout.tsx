import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from './cn.ts'

const TONES = {
  info: { icon: Info, classes: 'bg-muted', iconClasses: 'text-muted-foreground' },
  success: { icon: CircleCheck, classes: 'bg-success-soft', iconClasses: 'text-success' },
  warning: { icon: TriangleAlert, classes: 'bg-warning-soft', iconClasses: 'text-warning' },
  destructive: { icon: CircleAlert, classes: 'bg-destructive-soft', iconClasses: 'text-destructive' },
} as const

/** A remark that belongs to the page: a shape, a sentence, and what to do. */
export function Callout(props: {
  tone?: keyof typeof TONES
  title?: ReactNode
  children?: ReactNode
  action?: ReactNode
  className?: string
}) {
  const tone = TONES[props.tone ?? 'info']
  const Icon = tone.icon
  return (
    <div
      role={props.tone === 'destructive' ? 'alert' : undefined}
      className={cn(
        'flex items-start gap-2.5 rounded-md px-3 py-2 text-sm max-sm:flex-wrap',
        tone.classes,
        props.className,
      )}
    >
      <Icon className={cn('mt-0.5 size-4 shrink-0', tone.iconClasses)} aria-hidden />
      <div className="wrap-anywhere min-w-0 flex-1">
        {props.title && <div className="font-medium">{props.title}</div>}
        {props.children && (
          <div className={cn(props.title ? 'text-muted-foreground' : undefined)}>{props.children}</div>
        )}
      </div>
      {props.action && <div className="flex shrink-0 gap-2 max-sm:basis-full max-sm:pl-6.5">{props.action}</div>}
    </div>
  )
}
