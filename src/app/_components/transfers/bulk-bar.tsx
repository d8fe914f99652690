'use client'

import { X } from 'lucide-react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { Button } from '../ui/button.tsx'
import { ACTION_NAMES, countTransfers, idsFor, LIST_ACTIONS, type ListAction } from './action-plan.ts'

/** What can be done with the selected rows; it floats over the list so that nothing moves when it comes. */
export function BulkBar(props: {
  selected: readonly TransferView[]
  /** How many the tab holds; null where they are all selected or too many. */
  selectable: number | null
  onSelectAll: () => void
  onClear: () => void
  onAction: (action: ListAction, transfers: readonly TransferView[]) => void
  busy: boolean
}) {
  if (props.selected.length === 0) return null
  return (
    <section
      aria-label="Actions for the selection"
      className="fade-in-0 slide-in-from-bottom-2 fixed bottom-5 left-1/2 z-40 flex h-11 -translate-x-1/2 animate-in items-center gap-1 rounded-md border bg-popover pr-1.5 pl-4 shadow-popover duration-100 max-md:hidden"
    >
      <span className="mr-2 whitespace-nowrap" aria-live="polite">
        <span className="num">{props.selected.length.toLocaleString('en-US')}</span> selected
      </span>
      {props.selectable !== null && (
        <Button variant="link" size="sm" className="mr-2" onClick={props.onSelectAll}>
          Select all {props.selectable.toLocaleString('en-US')}
        </Button>
      )}
      {LIST_ACTIONS.map((action) => {
        const ids = new Set(idsFor(action, props.selected))
        if (ids.size === 0) return null
        const some = ids.size < props.selected.length
        return (
          <Button
            key={action}
            variant="ghost"
            size="sm"
            className={
              action === 'cancel' || action === 'remove' ? 'text-destructive hover:text-destructive' : 'text-foreground'
            }
            disabled={props.busy}
            title={some ? `${countTransfers(ids.size)} of the selection can be changed this way` : undefined}
            onClick={() =>
              props.onAction(
                action,
                props.selected.filter((transfer) => ids.has(transfer.id)),
              )
            }
          >
            {ACTION_NAMES[action]}
            {some && <span className="num text-dim">{ids.size}</span>}
          </Button>
        )
      })}
      <Button variant="ghost" size="icon-sm" aria-label="Drop the selection" onClick={props.onClear}>
        <X aria-hidden />
      </Button>
    </section>
  )
}
