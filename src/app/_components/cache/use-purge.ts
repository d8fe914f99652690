'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from 'sonner'
import type { PurgeTarget } from '../../../server/domain/cache.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { purgeWords } from './purge-words.ts'

/** Purges what is named on every engine and says what went. */
export function usePurge(): (target: PurgeTarget) => Promise<void> {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const purge = useMutation(trpc.cache.purge.mutationOptions())
  return async (target) => {
    try {
      toast.success(purgeWords(await purge.mutateAsync({ target })))
    } catch (error) {
      toast.error(failureOf(error).message)
    }
    await queryClient.invalidateQueries({ queryKey: trpc.cache.pathKey() })
  }
}
