'use client'

import { Eraser } from 'lucide-react'
import type { CachedObjectView } from '../../../server/domain/cache.ts'
import { Button } from '../ui/button.tsx'
import { cn } from '../ui/cn.ts'
import { Bytes, Quantity } from '../ui/quantity.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { SliceMap } from './slice-map.tsx'

const COLUMNS =
  'lg:grid-cols-[minmax(0,1fr)_minmax(0,14rem)_10rem_5rem_6.5rem_1.5rem] lg:items-center lg:gap-x-5 xl:grid-cols-[minmax(0,1fr)_minmax(0,22rem)_11rem_6rem_7rem_1.5rem]'

/** The names of the columns. */
export function ObjectColumns() {
  return (
    <div className={cn('hidden h-8 border-b px-6 text-dim text-xs lg:grid', COLUMNS)} aria-hidden>
      <span>Object</span>
      <span>Slices, along the file</span>
      <span className="text-right">Cached of size</span>
      <span className="text-right">Hits</span>
      <span className="text-right">Last used</span>
      <span />
    </div>
  )
}

/** One object: what it is, which slices are there, how much it is used. */
export function ObjectRow(props: { object: CachedObjectView; hasDisk: boolean; onPurge: () => void }) {
  const { object, hasDisk, onPurge } = props
  return (
    <li className={cn('grid grid-cols-[minmax(0,1fr)_auto] gap-x-3 gap-y-1.5 border-b px-4 py-1.5 md:px-6', COLUMNS)}>
      <p className="truncate" title={`${object.originName}/${object.path}`}>
        <span className="text-dim">{object.originName}/</span>
        {object.path}
      </p>
      <SliceMap
        object={object}
        hasDisk={hasDisk}
        className={cn('w-full max-lg:col-span-2 max-lg:row-start-2', hasDisk ? 'h-3' : 'h-1.5 self-center')}
      />
      <p className="text-right max-lg:col-span-2 max-lg:text-left">
        <Bytes bytes={object.cachedBytes} /> <span className="text-dim">of</span> <Bytes bytes={object.sizeBytes} />
        <span className="text-dim lg:hidden">
          {' · '}
          <Quantity value={object.hits} unit="hits" />
          {' · '}
          <RelativeTime at={new Date(object.lastAccessAtMs)} />
        </span>
      </p>
      <p className="text-right max-lg:hidden">
        <Quantity value={object.hits} />
      </p>
      <p className="text-right text-muted-foreground max-lg:hidden">
        <RelativeTime at={new Date(object.lastAccessAtMs)} />
      </p>
      <Button
        variant="ghost"
        size="icon-sm"
        className="max-lg:col-start-2 max-lg:row-start-1"
        aria-label={`Purge ${object.path}`}
        title="Purge"
        onClick={onPurge}
      >
        <Eraser aria-hidden />
      </Button>
    </li>
  )
}
