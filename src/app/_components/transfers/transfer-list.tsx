'use client'

import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { TransferView } from '../../../server/domain/transfer.ts'
import type { TransferAction } from '../../../server/domain/transfer-state.ts'
import { rowHeightPx, TransferRow } from './transfer-row.tsx'
import { useWide } from './use-wide.ts'

/** Rows near the end of what is loaded ask for the next page. */
const FETCH_AHEAD_ROWS = 20

/** The rows; only those in view are in the document. */
export function TransferList(props: {
  items: readonly TransferView[]
  total: number
  s3Path: (transfer: TransferView) => string
  selected: ReadonlySet<string>
  onToggle: (id: string, shift: boolean) => void
  onAction: (action: TransferAction, transfer: TransferView) => void
  onMenu: (open: boolean) => void
  onNearEnd: () => void
}) {
  const listRef = useRef<HTMLUListElement>(null)
  const [scrollMargin, setScrollMargin] = useState(0)
  const wide = useWide()
  const virtualizer = useWindowVirtualizer({
    count: props.items.length,
    estimateSize: (index) => rowHeightPx(props.items[index], wide),
    getItemKey: (index) => props.items[index]?.id ?? index,
    overscan: 12,
    scrollMargin,
    initialRect: { width: 1200, height: 1000 },
  })
  useLayoutEffect(() => {
    const top = listRef.current ? listRef.current.getBoundingClientRect().top + window.scrollY : 0
    setScrollMargin(Math.round(top))
  }, [])
  // Heights follow from what a row is, so that they are reckoned anew where that may have changed, and never measured.
  const heights = wide ? '' : props.items.map((item) => rowHeightPx(item, false)).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights are what the sizes depend on.
  useLayoutEffect(() => virtualizer.measure(), [wide, heights, virtualizer])

  const rows = virtualizer.getVirtualItems()
  const lastIndex = rows.at(-1)?.index ?? 0
  const { onNearEnd } = props
  useEffect(() => {
    if (lastIndex >= props.items.length - FETCH_AHEAD_ROWS) onNearEnd()
  }, [lastIndex, props.items.length, onNearEnd])

  const before = (rows[0]?.start ?? scrollMargin) - scrollMargin
  const after = virtualizer.getTotalSize() - ((rows.at(-1)?.end ?? scrollMargin) - scrollMargin)
  return (
    <ul
      ref={listRef}
      aria-label="Transfers"
      className="@container"
      style={{ paddingTop: Math.max(0, before), paddingBottom: Math.max(0, after) }}
    >
      {rows.map(({ index, key }) => {
        const transfer = props.items[index]
        if (!transfer) return null
        return (
          <TransferRow
            key={key}
            transfer={transfer}
            s3Path={props.s3Path(transfer)}
            position={index + 1}
            total={props.total}
            selected={props.selected.has(transfer.id)}
            onToggle={props.onToggle}
            onAction={props.onAction}
            onMenu={props.onMenu}
          />
        )
      })}
    </ul>
  )
}
