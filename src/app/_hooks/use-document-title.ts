'use client'

import { useEffect } from 'react'

/** The words on the browser's tab while the component is shown. */
export function useDocumentTitle(title: string): void {
  // After every render: Next streams the title of its metadata in late, over one that was set before.
  useEffect(() => {
    if (document.title !== title) document.title = title
  })
}
