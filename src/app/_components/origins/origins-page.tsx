'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Globe, Plus } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { usePurge } from '../cache/use-purge.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageBar } from '../ui/page-bar.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { LinkDialog } from './link-dialog.tsx'
import { OriginDialog } from './origin-dialog.tsx'
import { OriginColumns, OriginRow } from './origin-row.tsx'
import type { ListedOrigin } from './origin-words.ts'

/** What engines serve: publish, edit, link to a file, purge, remove. */
export function OriginsPage() {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const { data, error, refetch } = useQuery(trpc.origins.list.queryOptions(undefined, { refetchInterval: 3_000 }))
  const remove = useMutation(trpc.origins.remove.mutationOptions())
  const purge = usePurge()
  const [edited, setEdited] = useState<{ origin: ListedOrigin | null } | null>(null)
  const [linked, setLinked] = useState<ListedOrigin | null>(null)
  const [purged, setPurged] = useState<ListedOrigin | null>(null)
  const [removed, setRemoved] = useState<ListedOrigin | null>(null)
  const publishButton = (variant: 'default' | 'outline') => (
    <Button variant={variant} onClick={() => setEdited({ origin: null })}>
      <Plus aria-hidden />
      Publish an origin
    </Button>
  )
  const removeOrigin = async (origin: ListedOrigin) => {
    try {
      await remove.mutateAsync({ id: origin.id })
      toast.success(`Removed ${origin.name}. Its links lead nowhere now.`)
    } catch (failed) {
      toast.error(failureOf(failed).message)
    }
    await queryClient.invalidateQueries({ queryKey: trpc.origins.list.queryKey() })
  }

  return (
    <>
      {error && !data ? (
        <CouldNotRead title="The origins could not be read" error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeleton className="m-6 h-28" />
      ) : data.length === 0 ? (
        <EmptyState
          icon={<Globe />}
          title="Nothing is published yet"
          description="Publish an origin, and engines serve its files by byte range to players, loaders and mirrors: each slice is read once and kept for all who ask."
          action={publishButton('default')}
        />
      ) : (
        <>
          <PageBar
            note="Engines serve these by byte range and keep what was asked for."
            short={data.length === 1 ? '1 origin' : `${data.length} origins`}
            action={publishButton('outline')}
          />
          <OriginColumns />
          <ul aria-label="Origins">
            {data.map((origin) => (
              <OriginRow
                key={origin.id}
                origin={origin}
                onLink={() => setLinked(origin)}
                onEdit={() => setEdited({ origin })}
                onPurge={() => setPurged(origin)}
                onRemove={() => setRemoved(origin)}
              />
            ))}
          </ul>
        </>
      )}
      <OriginDialog
        open={edited !== null}
        origin={edited?.origin ?? null}
        onOpenChange={(open) => !open && setEdited(null)}
      />
      <LinkDialog origin={linked} onClose={() => setLinked(null)} />
      <ConfirmDialog
        open={purged !== null}
        onOpenChange={(open) => !open && setPurged(null)}
        title={`Purge what is cached of “${purged?.name ?? ''}”?`}
        description="All its slices go, on every engine. The next readers wait for the origin again."
        confirmLabel="Purge"
        destructive
        onConfirm={() => purged && purge({ originId: purged.id })}
      />
      <ConfirmDialog
        open={removed !== null}
        onOpenChange={(open) => !open && setRemoved(null)}
        title={`Remove “${removed?.name ?? ''}”?`}
        description="Every link to it stops working, signed ones too, and what is cached of it is purged. The origin itself stays as it is."
        confirmLabel="Remove origin"
        destructive
        onConfirm={() => removed && removeOrigin(removed)}
      />
    </>
  )
}
