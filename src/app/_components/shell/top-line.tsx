'use client'

import { Plus } from 'lucide-react'
import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { type RefObject, Suspense } from 'react'
import { Button } from '../ui/button.tsx'
import { LivePill } from './live-pill.tsx'
import { pageOf } from './pages.ts'
import { SearchBox } from './search-box.tsx'

/** The page's name, search, how things are, and the one thing one always may do. */
export function TopLine({ searchRef }: { searchRef: RefObject<HTMLInputElement | null> }) {
  const pathname = usePathname()
  const page = pageOf(pathname)
  const isTopPage = page?.href === pathname
  return (
    <header className="sticky top-0 z-30 flex h-13 items-center gap-3 border-b bg-background px-4 md:px-6 print:hidden">
      {isTopPage ? (
        <h1 className="truncate font-semibold text-base">{page.name}</h1>
      ) : (
        <Link href={page?.href ?? '/'} className="truncate text-base text-muted-foreground hover:text-foreground">
          {page?.name ?? 'Sluice'}
        </Link>
      )}
      <div className="flex-1" />
      {/* The pill changes its width with its numbers, so it grows to the left, where nothing stands. */}
      <LivePill />
      <Suspense fallback={<div className="h-8 w-56 max-md:hidden" />}>
        <SearchBox inputRef={searchRef} className="w-56 max-md:hidden" />
      </Suspense>
      <Button asChild aria-keyshortcuts="c">
        <Link href="/transfers/new">
          <Plus aria-hidden />
          <span className="max-sm:sr-only">New transfer</span>
        </Link>
      </Button>
    </header>
  )
}
