import type { ComponentProps, ReactNode } from 'react'
import { cn } from './cn.ts'

/** A unit with a hairline around it. Use it only where something is a unit; sections have a heading and a hairline instead. */
export function Card({ className, ...props }: ComponentProps<'div'>) {
  return <div className={cn('rounded-md border bg-card text-card-foreground', className)} {...props} />
}

/** A part of a page: heading, something on the right, content. */
export function Section(props: { title: ReactNode; aside?: ReactNode; className?: string; children: ReactNode }) {
  return (
    <section className={props.className}>
      <div className="flex h-9 items-center justify-between gap-4 border-b">
        <h2 className="font-medium text-sm">{props.title}</h2>
        {props.aside && <div className="text-muted-foreground text-sm">{props.aside}</div>}
      </div>
      {props.children}
    </section>
  )
}
