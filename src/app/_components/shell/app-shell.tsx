'use client'

import { type ReactNode, useRef, useState } from 'react'
import { CommandPalette } from './command-palette.tsx'
import { KeysDialog } from './keys-dialog.tsx'
import { BottomBar, Rail } from './rail.tsx'
import { TopLine } from './top-line.tsx'
import { useShortcuts } from './use-shortcuts.ts'

/** What is around every page: the rail (at the bottom on phones), the top line, the keys and the palette. */
export function AppShell({ children }: { children: ReactNode }) {
  const searchRef = useRef<HTMLInputElement>(null)
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null)
  useShortcuts({
    onSearch: () => {
      // On phones the box stands in the page, where the list is.
      const box = [searchRef.current, ...document.querySelectorAll<HTMLInputElement>('input[name="search"]')]
      box.find((input) => input?.offsetParent)?.focus()
    },
    onPalette: () => setOpen((now) => (now === 'palette' ? null : 'palette')),
    onKeys: () => setOpen('keys'),
  })
  return (
    <div className="flex min-h-dvh">
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-primary px-3 py-2 text-primary-foreground focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <Rail />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopLine searchRef={searchRef} />
        <main id="content" tabIndex={-1} className="flex-1 pb-24 outline-none md:pb-10 print:pb-0">
          {children}
        </main>
      </div>
      <BottomBar />
      <CommandPalette
        open={open === 'palette'}
        onOpenChange={(next) => setOpen(next ? 'palette' : null)}
        onKeys={() => setOpen('keys')}
      />
      <KeysDialog open={open === 'keys'} onOpenChange={(next) => setOpen(next ? 'keys' : null)} />
    </div>
  )
}
