'use client'

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Database, Plus } from 'lucide-react'
import { useState } from 'react'
import { toast } from 'sonner'
import type { BucketView } from '../../../server/domain/bucket.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageBar } from '../ui/page-bar.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { BucketDialog } from './bucket-dialog.tsx'
import { BucketRow } from './bucket-row.tsx'

/** The buckets: add, edit, test, remove. */
export function BucketsPage() {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const { data, error, refetch } = useQuery(trpc.buckets.list.queryOptions(undefined, { refetchInterval: 15_000 }))
  const remove = useMutation(trpc.buckets.remove.mutationOptions())
  const [edited, setEdited] = useState<{ bucket: BucketView | null } | null>(null)
  const [removed, setRemoved] = useState<BucketView | null>(null)
  const addButton = (variant: 'default' | 'outline') => (
    <Button variant={variant} onClick={() => setEdited({ bucket: null })}>
      <Plus aria-hidden />
      Add a bucket
    </Button>
  )

  const removeBucket = async (bucket: BucketView) => {
    try {
      await remove.mutateAsync({ id: bucket.id })
      toast.success(`Removed ${bucket.name}. Its objects are where they were.`)
    } catch (failed) {
      toast.error(failureOf(failed).message)
    }
    await queryClient.invalidateQueries({ queryKey: trpc.buckets.list.queryKey() })
  }

  return (
    <>
      {error && !data ? (
        <CouldNotRead title="The buckets could not be read" error={error} onRetry={refetch} />
      ) : !data ? (
        <Skeleton className="m-6 h-28" />
      ) : data.length === 0 ? (
        <EmptyState
          icon={<Database />}
          title="No buckets yet"
          description="A bucket is where transfers go: Amazon S3, Cloudflare R2, Backblaze B2, Ceph, MinIO, or anything else that speaks S3."
          action={addButton('default')}
        />
      ) : (
        <>
          <PageBar
            note="Transfers go into these. Keys are sealed before they are stored and never shown again."
            short={data.length === 1 ? '1 bucket' : `${data.length} buckets`}
            action={addButton('outline')}
          />
          <ul aria-label="Buckets">
            {data.map((bucket) => (
              <BucketRow
                key={bucket.id}
                bucket={bucket}
                onEdit={() => setEdited({ bucket })}
                onRemove={() => setRemoved(bucket)}
              />
            ))}
          </ul>
        </>
      )}
      <BucketDialog
        open={edited !== null}
        bucket={edited?.bucket ?? null}
        onOpenChange={(open) => !open && setEdited(null)}
      />
      <ConfirmDialog
        open={removed !== null}
        onOpenChange={(open) => !open && setRemoved(null)}
        title={`Remove “${removed?.name ?? ''}” from Sluice?`}
        description="Its keys are forgotten. The bucket itself and the objects in it stay where they are."
        confirmLabel="Remove bucket"
        destructive
        onConfirm={() => removed && removeBucket(removed)}
      />
    </>
  )
}
