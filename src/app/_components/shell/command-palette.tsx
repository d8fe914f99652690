'use client'

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { FileUp, Keyboard, Plus, Search } from 'lucide-react'
import { useRouter } from 'next/navigation'
import { useTheme } from 'next-themes'
import { useDeferredValue, useState } from 'react'
import { useTRPC } from '../../_trpc/client.tsx'
import { listHref } from '../transfers/list-params.ts'
import { Command, CommandEmpty, CommandGroup, CommandInput, CommandItem, CommandList } from '../ui/command.tsx'
import { Dialog, DialogContent } from '../ui/dialog.tsx'
import { Kbd } from '../ui/kbd.tsx'
import { StatusShape } from '../ui/transfer-status.tsx'
import { PAGES } from './pages.ts'
import { THEMES } from './theme-button.tsx'

/** Finds transfers, pages and actions by what is typed. */
export function CommandPalette(props: { open: boolean; onOpenChange: (open: boolean) => void; onKeys: () => void }) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      <DialogContent
        title="Find a transfer, a page or an action"
        hideTitle
        className="sm:top-[18%] sm:max-w-xl sm:translate-y-0"
      >
        <PaletteContent close={() => props.onOpenChange(false)} onKeys={props.onKeys} />
      </DialogContent>
    </Dialog>
  )
}

function PaletteContent({ close, onKeys }: { close: () => void; onKeys: () => void }) {
  const router = useRouter()
  const { setTheme } = useTheme()
  const trpc = useTRPC()
  const [text, setText] = useState('')
  const search = useDeferredValue(text.trim())
  const found = useQuery(trpc.transfers.list.queryOptions({ search, limit: 7 }, { placeholderData: keepPreviousData }))
  const matches = (name: string) => name.toLowerCase().includes(text.trim().toLowerCase())
  const run = (action: () => void) => () => {
    close()
    action()
  }
  const actions = [
    { name: 'New transfer', icon: Plus, keys: 'c', run: () => router.push('/transfers/new') },
    { name: 'Open a report file', icon: FileUp, keys: '', run: () => router.push('/reports') },
    { name: 'Show the keys', icon: Keyboard, keys: '?', run: onKeys },
    ...THEMES.map((theme) => ({
      name: `Colours: ${theme.name.toLowerCase()}`,
      icon: theme.icon,
      keys: '',
      run: () => setTheme(theme.value),
    })),
  ].filter((action) => matches(action.name))
  const pages = PAGES.filter((page) => matches(page.name))

  return (
    <Command shouldFilter={false} label="Find a transfer, a page or an action">
      <CommandInput placeholder="Find a transfer, a page or an action" value={text} onValueChange={setText} autoFocus />
      <CommandList>
        <CommandEmpty>
          {found.isFetching || search !== text.trim()
            ? 'Looking …'
            : 'Nothing matches. Try a part of a file name, a host or a bucket.'}
        </CommandEmpty>
        {pages.length > 0 && (
          <CommandGroup heading="Pages">
            {pages.map(({ href, name, icon: Icon, key }) => (
              <CommandItem key={href} value={`page ${href}`} onSelect={run(() => router.push(href))}>
                <Icon className="text-dim" aria-hidden />
                {name}
                <span className="ml-auto flex gap-1">
                  <Kbd>g</Kbd>
                  <Kbd>{key}</Kbd>
                </span>
              </CommandItem>
            ))}
          </CommandGroup>
        )}
        {(found.data?.items.length ?? 0) > 0 && (
          <CommandGroup heading={search ? 'Transfers' : 'Latest transfers'}>
            {found.data?.items.map((transfer) => (
              <CommandItem
                key={transfer.id}
                value={transfer.id}
                onSelect={run(() => router.push(`/transfers/${transfer.id}`))}
              >
                <StatusShape status={transfer.status} label />
                <span className="truncate">{transfer.name}</span>
                <span className="ml-auto shrink-0 text-dim text-xs">{transfer.bucketName}</span>
              </CommandItem>
            ))}
            {search && (
              <CommandItem value="all results" onSelect={run(() => router.push(listHref({ tab: 'all', search })))}>
                <Search className="text-dim" aria-hidden />
                Show all {found.data?.counts.all.toLocaleString('en-US')} in the list
              </CommandItem>
            )}
          </CommandGroup>
        )}
        {actions.length > 0 && (
          <CommandGroup heading="Actions">
            {actions.map(({ name, icon: Icon, keys, run: action }) => (
              <CommandItem key={name} value={`action ${name}`} onSelect={run(action)}>
                <Icon className="text-dim" aria-hidden />
                {name}
                {keys && <Kbd className="ml-auto">{keys}</Kbd>}
              </CommandItem>
            ))}
          </CommandGroup>
        )}
      </CommandList>
    </Command>
  )
}
