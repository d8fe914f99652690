import type { ReactNode } from 'react'

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
