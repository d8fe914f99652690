'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import { toggleSelection } from './selection.ts'

/** The selected ids of the list. `resetKey` is the tab and the search: with another one the selection is dropped; Escape drops it too. */
export function useSelection(order: readonly string[], resetKey: string) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [shownFor, setShownFor] = useState(resetKey)
  const latest = useRef({ order, lastId: null as string | null })
  if (shownFor !== resetKey) {
    setShownFor(resetKey)
    setSelected(new Set())
  }
  useEffect(() => {
    latest.current.order = order
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return
      if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')) return
      setSelected((now) => (now.size === 0 ? now : new Set()))
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])

  const toggle = useCallback((id: string, shift: boolean) => {
    const { order: ids, lastId } = latest.current
    latest.current.lastId = id
    setSelected((now) => toggleSelection(now, ids, id, { shift, lastId }))
  }, [])
  return { selected, toggle, select: setSelected }
}
