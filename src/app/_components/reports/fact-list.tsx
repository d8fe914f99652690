import type { ReactNode } from 'react'
import { Section } from '../ui/section.tsx'

/** A heading over rows of name and figure, each with its right edge. */
export function FactList({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Section className="min-w-0 break-inside-avoid" title={title}>
      <dl className="py-1">{children}</dl>
    </Section>
  )
}

/** One row. `children` is the figure; a dash stands for what is not known. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-h-7 items-baseline justify-between gap-4 py-1">
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="min-w-0 break-words text-right">{children}</dd>
    </div>
  )
}
