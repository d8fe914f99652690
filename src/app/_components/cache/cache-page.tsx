'use client'

import { useQuery } from '@tanstack/react-query'
import { Cpu, Eraser } from 'lucide-react'
import { useState } from 'react'
import type { CachedObjectView } from '../../../server/domain/cache.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageBar } from '../ui/page-bar.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { CounterLine } from './counter-line.tsx'
import { HitChart } from './hit-chart.tsx'
import { ObjectList } from './object-list.tsx'
import { sumCaches } from './sum-caches.ts'
import { TierFigures } from './tier-figures.tsx'
import { usePurge } from './use-purge.ts'

/** The slice cache of all engines: how full, how useful, what is in it, and how to empty it. */
export function CachePage() {
  const trpc = useTRPC()
  const { data, error, refetch } = useQuery(trpc.cache.stats.queryOptions(undefined, { refetchInterval: 3_000 }))
  const purge = usePurge()
  const [purged, setPurged] = useState<CachedObjectView | 'all' | null>(null)
  if (error && !data) return <CouldNotRead title="The cache could not be read" error={error} onRetry={refetch} />
  if (!data) return <Skeleton className="m-6 h-40" />
  const sum = sumCaches(data.engines.map(({ cache }) => cache))
  if (!sum)
    return (
      <EmptyState
        icon={<Cpu />}
        title="No engine runs, so there is no cache"
        description="Each engine keeps the slices that readers ask for. Start one, and they are shown here."
        action={<code className="num select-all rounded-md border bg-muted px-3 py-1.5 text-sm">npm run engine</code>}
      />
    )
  return (
    <>
      <PageBar
        note={
          data.engines.length === 1
            ? 'One engine. Counts are since it started.'
            : `${data.engines.length} engines. Counts are since they started.`
        }
        short={data.engines.length === 1 ? '1 engine' : `${data.engines.length} engines`}
        action={
          <Button variant="outline" onClick={() => setPurged('all')}>
            <Eraser aria-hidden />
            Purge everything
          </Button>
        }
      />
      <div className="grid gap-x-10 gap-y-6 px-4 py-4 md:px-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <HitChart history={data.history} hitRate={data.hitRate} />
        <TierFigures sum={sum} />
      </div>
      <CounterLine sum={sum} />
      <ObjectList hasDisk={sum.disk !== null} onPurge={setPurged} />
      <ConfirmDialog
        open={purged !== null}
        onOpenChange={(open) => !open && setPurged(null)}
        title={purged === 'all' ? 'Purge everything that is cached?' : `Purge “${purged?.path ?? ''}”?`}
        description="It goes from memory, disk and Redis, on every engine. The next readers wait for the origin again."
        confirmLabel={purged === 'all' ? 'Purge everything' : 'Purge'}
        destructive
        onConfirm={() => purged && purge(purged === 'all' ? 'all' : { objectId: purged.objectId })}
      />
    </>
  )
}
