'use client'

import { Search, X } from 'lucide-react'
import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { listHref, readListParams } from '../transfers/list-params.ts'
import { Input } from '../ui/input.tsx'
import { Kbd } from '../ui/kbd.tsx'

const TYPING_PAUSE_MS = 200

/**
 * Searches transfers. On the list it filters while typing and the text is in the address; elsewhere Enter leads to the list.
 * `/` puts the cursor here, Escape takes it away and empties it.
 */
export function SearchBox({
  inputRef,
  className,
}: {
  inputRef?: RefObject<HTMLInputElement | null>
  className?: string
}) {
  const router = useRouter()
  const onList = usePathname() === '/transfers'
  const params = readListParams(useSearchParams())
  const inAddress = onList ? params.search : ''
  const [text, setText] = useState(inAddress)
  const [shownFor, setShownFor] = useState(inAddress)
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)

  // The address may change by other means than typing: a tab, the back button, the palette.
  if (shownFor !== inAddress) {
    setShownFor(inAddress)
    if (inAddress !== text.trim()) setText(inAddress)
  }
  useEffect(() => () => clearTimeout(timer.current ?? undefined), [])

  const apply = (search: string) => {
    clearTimeout(timer.current ?? undefined)
    const href = listHref({ tab: onList ? params.tab : 'all', search: search.trim() })
    if (onList) router.replace(href, { scroll: false })
    else router.push(href)
  }
  const type = (next: string) => {
    setText(next)
    clearTimeout(timer.current ?? undefined)
    if (onList) timer.current = setTimeout(() => apply(next), TYPING_PAUSE_MS)
  }

  return (
    <search className={className}>
      <form
        className="relative"
        onSubmit={(event) => {
          event.preventDefault()
          apply(text)
        }}
      >
        <Search
          className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-dim"
          aria-hidden
        />
        <Input
          ref={inputRef}
          name="search"
          autoComplete="off"
          enterKeyHint="search"
          aria-label="Search transfers"
          placeholder="Search transfers"
          maxLength={512}
          className="peer pr-8 pl-8"
          value={text}
          onChange={(event) => type(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            if (text) {
              setText('')
              if (onList) apply('')
            } else event.currentTarget.blur()
          }}
        />
        {text ? (
          <button
            type="button"
            aria-label="Clear the search"
            className="focus-ring absolute top-1/2 right-1.5 -translate-y-1/2 rounded-sm p-1 text-dim hover:text-foreground"
            onClick={() => {
              setText('')
              if (onList) apply('')
            }}
          >
            <X className="size-3.5" aria-hidden />
          </button>
        ) : (
          <Kbd className="pointer-events-none absolute top-1/2 right-2 -translate-y-1/2 peer-focus:hidden pointer-coarse:hidden">
            /
          </Kbd>
        )}
      </form>
    </search>
  )
}
