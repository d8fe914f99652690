'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from 'sonner'
import type { TransferAction } from '../../../server/domain/transfer-state.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { doneSentence, refusalSentences } from './action-plan.ts'

/**
 * Applies actions to transfers and says what came of it: refused ones as sentences. The lists are asked for again at once.
 * `isPending` is true while an answer is awaited.
 */
export function useTransferActions() {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const mutations = {
    pause: useMutation(trpc.transfers.pause.mutationOptions()),
    resume: useMutation(trpc.transfers.resume.mutationOptions()),
    cancel: useMutation(trpc.transfers.cancel.mutationOptions()),
    retry: useMutation(trpc.transfers.retry.mutationOptions()),
    remove: useMutation(trpc.transfers.remove.mutationOptions()),
    verify: useMutation(trpc.transfers.verify.mutationOptions()),
    stopVerifying: useMutation(trpc.transfers.stopVerifying.mutationOptions()),
  }

  const apply = async (action: TransferAction, ids: readonly string[]) => {
    if (ids.length === 0) return
    try {
      const { changed, refused } = await mutations[action].mutateAsync({ ids: [...ids] })
      if (changed.length > 0) toast.success(doneSentence(action, changed.length))
      for (const sentence of refusalSentences(refused)) toast.error(sentence)
    } catch (error) {
      toast.error(failureOf(error).message)
    }
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: trpc.transfers.pathKey() }),
      queryClient.invalidateQueries({ queryKey: trpc.system.health.queryKey() }),
    ])
  }

  return { apply, isPending: Object.values(mutations).some((mutation) => mutation.isPending) }
}
