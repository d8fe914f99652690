'use client'

import { useMutation } from '@tanstack/react-query'
import { toast } from 'sonner'
import type { BucketView } from '../../../server/domain/bucket.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'

/** Has an engine install the rule by which a bucket removes unfinished uploads itself, and says what came of it. */
export function useLifecycleRule(bucket: BucketView) {
  const trpc = useTRPC()
  const install = useMutation(trpc.buckets.installLifecycleRule.mutationOptions())
  return async () => {
    const waiting = toast.loading(`Asking ${bucket.name} to remove unfinished uploads itself …`)
    try {
      toast.success((await install.mutateAsync({ id: bucket.id })).message, { id: waiting })
    } catch (error) {
      toast.error(failureOf(error).message, { id: waiting })
    }
  }
}
