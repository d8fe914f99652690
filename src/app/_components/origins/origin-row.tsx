'use client'

import { Ellipsis, Eraser, Link2, Pencil, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { cn } from '../ui/cn.ts'
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from '../ui/dropdown-menu.tsx'
import { Bytes, Quantity } from '../ui/quantity.tsx'
import { OriginState } from './origin-state.tsx'
import { OriginTrouble } from './origin-trouble.tsx'
import { ACCESS_WORDS, choiceWords, hitPercent, type ListedOrigin, latencyWords } from './origin-words.ts'

/** The columns of the list, from 1024 px on; below, a row is a small block. */
const COLUMNS =
  'lg:grid-cols-[minmax(0,1fr)_7.5rem_6rem_5.5rem_8.5rem_3.5rem_7.5rem] lg:items-center lg:gap-x-4 xl:grid-cols-[minmax(0,1fr)_8rem_7rem_7rem_10rem_5rem_7.5rem]'

/** The names of the columns. */
export function OriginColumns() {
  return (
    <div className={cn('hidden h-8 border-b px-6 text-dim text-xs lg:grid', COLUMNS)} aria-hidden>
      <span>Origin</span>
      <span>State</span>
      <span className="text-right">Hit rate</span>
      <span className="text-right">Served</span>
      <span className="text-right">First byte p50 · p95</span>
      <span className="text-right">Lanes</span>
      <span />
    </div>
  )
}

/** One published origin: where it is, how it is doing, what may be done with it. */
export function OriginRow(props: {
  origin: ListedOrigin
  onLink: () => void
  onEdit: () => void
  onPurge: () => void
  onRemove: () => void
}) {
  const { origin } = props
  const { stats } = origin
  // Nothing that was never asked has figures.
  const asked = stats && stats.requests > 0 ? stats : null
  const lanes = origin.lanes ?? stats?.learnedLanes ?? origin.learnedLanes
  return (
    <li className={cn('grid grid-cols-[minmax(0,1fr)_auto] gap-y-2 border-b px-4 py-2.5 md:px-6', COLUMNS)}>
      <div className="min-w-0">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{origin.name}</span>
          <Badge tone={origin.access === 'public' ? 'neutral' : 'water'}>{ACCESS_WORDS[origin.access]}</Badge>
        </p>
        <p className="num truncate" title={origin.baseUrl}>
          {origin.baseUrl.replace(/^https:\/\//, '')}
        </p>
        <p className="truncate text-dim text-xs" title={choiceWords(origin).join(' · ')}>
          {choiceWords(origin).join(' · ')}
        </p>
      </div>
      <OriginState origin={origin} className="max-lg:col-start-1 max-lg:row-start-2" />
      <dl className="flex flex-wrap gap-x-5 gap-y-1 max-lg:col-span-2 lg:contents">
        <Figure
          name="Hit rate"
          more={asked && <Quantity value={asked.requests} unit={asked.requests === 1 ? 'request' : 'requests'} />}
        >
          <Quantity value={hitPercent(stats)} unit="%" />
        </Figure>
        <Figure
          name="Served"
          more={asked && asked.activeReaders > 0 && <Quantity value={asked.activeReaders} unit="reading" />}
        >
          <Bytes bytes={asked?.servedBytes ?? null} />
        </Figure>
        <Figure
          name="First byte p50 · p95"
          more={
            stats?.p99Ms != null && (
              <>
                p99 <Quantity value={latencyWords(stats.p99Ms)} unit="ms" />
              </>
            )
          }
        >
          {stats === null || stats.p50Ms === null ? (
            <Quantity value={null} />
          ) : (
            <>
              <Quantity value={latencyWords(stats.p50Ms)} /> <span className="text-dim">·</span>{' '}
              <Quantity value={latencyWords(stats.p95Ms)} unit="ms" />
            </>
          )}
        </Figure>
        <Figure name="Lanes">
          <span title={origin.lanes === null ? 'Found out by what pays' : 'Set by hand'}>
            <Quantity value={lanes} unit={origin.lanes === null ? undefined : 'set'} />
          </span>
        </Figure>
      </dl>
      <div className="flex items-center justify-end gap-1 max-lg:col-start-2 max-lg:row-start-1 max-lg:self-start">
        <Button
          variant="outline"
          size="sm"
          onClick={props.onLink}
          aria-label={`${origin.access === 'signed' ? 'Sign link' : 'Link'} to a file of ${origin.name}`}
        >
          <Link2 aria-hidden />
          {origin.access === 'signed' ? 'Sign link' : 'Link'}
        </Button>
        <DropdownMenu>
          <DropdownMenuTrigger asChild>
            <Button variant="ghost" size="icon-sm" aria-label={`Actions for ${origin.name}`}>
              <Ellipsis className="size-4" aria-hidden />
            </Button>
          </DropdownMenuTrigger>
          <DropdownMenuContent>
            <DropdownMenuItem onSelect={props.onEdit}>
              <Pencil aria-hidden />
              Edit
            </DropdownMenuItem>
            <DropdownMenuItem onSelect={props.onPurge}>
              <Eraser aria-hidden />
              Purge its cache…
            </DropdownMenuItem>
            <DropdownMenuSeparator />
            <DropdownMenuItem destructive onSelect={props.onRemove}>
              <Trash2 aria-hidden />
              Remove…
            </DropdownMenuItem>
          </DropdownMenuContent>
        </DropdownMenu>
      </div>
      <OriginTrouble origin={origin} className="col-span-full" />
    </li>
  )
}

/** A number, and in small letters one that belongs to it. */
function Figure({ name, more, children }: { name: string; more?: ReactNode; children: ReactNode }) {
  return (
    <div className="max-lg:flex max-lg:items-baseline max-lg:gap-1.5 lg:text-right">
      <dt className="text-dim text-xs lg:sr-only">{name}</dt>
      <dd>
        {children}
        {more && <span className="text-muted-foreground text-xs max-lg:ml-1.5 lg:block">{more}</span>}
      </dd>
    </div>
  )
}
