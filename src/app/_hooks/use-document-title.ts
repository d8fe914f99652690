'use client'

import { useEffect } from 'react'

/** The words on the browser's tab while the component is shown. */
export function useDocumentTitle(title: string | null): void {
  useEffect(() => {
    if (title === null) return
    const before = document.title
    document.title = title
    return () => {
      document.title = before
    }
  }, [title])
}
