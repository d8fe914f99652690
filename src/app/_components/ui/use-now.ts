'use client'

import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let nowMs = 0
let timer: ReturnType<typeof setInterval> | null = null

// One timer for the whole page, however many times are shown; none while nothing is.
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (timer === null) {
    nowMs = Date.now()
    timer = setInterval(() => {
      if (document.hidden) return
      nowMs = Date.now()
      for (const each of listeners) each()
    }, 1000)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer)
      timer = null
    }
  }
}

function current(): number {
  if (nowMs === 0) nowMs = Date.now()
  return nowMs
}

/** The time in milliseconds, once a second. Null while the server renders, so that the first paints are the same. */
export function useNow(): number | null {
  return useSyncExternalStore<number | null>(subscribe, current, () => null)
}
