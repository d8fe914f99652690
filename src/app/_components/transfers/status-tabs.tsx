'use client'

import Link from 'next/link'
import type { TransferCounts } from '../../../server/domain/transfer.ts'
import { cn } from '../ui/cn.ts'
import { LIST_TABS, type ListParams, listHref, TAB_NAMES, tabCount } from './list-params.ts'

/** The states with their counts. Paused and cancelled are shown only where there are any, or one looks at them. */
export function StatusTabs({ params, counts }: { params: ListParams; counts: TransferCounts | undefined }) {
  const tabs = LIST_TABS.filter(
    (tab) => !['paused', 'cancelled'].includes(tab) || tab === params.tab || (counts && tabCount(tab, counts) > 0),
  )
  return (
    <nav aria-label="States" className="-mb-px flex min-w-0 gap-5 overflow-x-auto [scrollbar-width:none]">
      {tabs.map((tab) => (
        <Link
          key={tab}
          href={listHref({ ...params, tab })}
          replace
          scroll={false}
          aria-current={tab === params.tab ? 'page' : undefined}
          className={cn(
            'focus-ring flex h-10 shrink-0 items-center gap-1.5 border-transparent border-b-2 text-muted-foreground transition-colors hover:text-foreground',
            tab === params.tab && 'border-water font-medium text-foreground',
          )}
        >
          {TAB_NAMES[tab]}
          <span className="num min-w-[1ch] font-normal text-dim text-xs">
            {counts ? tabCount(tab, counts).toLocaleString('en-US') : ''}
          </span>
        </Link>
      ))}
    </nav>
  )
}
