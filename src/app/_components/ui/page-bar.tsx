import type { ReactNode } from 'react'

/** The line under a page's name: what this is, in fewer words on phones, and what one can do. */
export function PageBar({ note, short, action }: { note: ReactNode; short: ReactNode; action: ReactNode }) {
  return (
    <div className="flex min-h-12 items-center justify-between gap-4 border-b px-4 md:px-6">
      <p className="text-muted-foreground max-md:hidden">{note}</p>
      <p className="text-muted-foreground md:hidden">{short}</p>
      {action}
    </div>
  )
}
