'use client'

import { useSyncExternalStore } from 'react'

const QUERY = '(min-width: 48rem)'

function subscribe(listener: () => void): () => void {
  const media = window.matchMedia(QUERY)
  media.addEventListener('change', listener)
  return () => media.removeEventListener('change', listener)
}

/** True where the window is as wide as Tailwind's `md`; the server assumes that it is. */
export function useWide(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => window.matchMedia(QUERY).matches,
    () => true,
  )
}
