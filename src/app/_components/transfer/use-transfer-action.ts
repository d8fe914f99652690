'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from 'sonner'
import type { TransferAction } from '../../../server/domain/transfer-state.ts'
import { useTRPC, useTRPCClient } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'

/** Runs an action on one transfer and shows what came of it: the page is read again, a refusal is a sentence. */
export function useTransferAction(transferId: string) {
  const client = useTRPCClient()
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: async (action: TransferAction | 'reread') => {
      const ids = [transferId]
      const { refused } =
        action === 'reread'
          ? await client.transfers.verify.mutate({ ids, reread: true })
          : await client.transfers[action].mutate({ ids })
      return refused[0]?.failure ?? null
    },
    onSuccess: (failure) => {
      if (failure) toast.error(failure.message)
    },
    onError: (error) => {
      toast.error(failureOf(error).message)
    },
    onSettled: async (_failure, _error, action) => {
      // A removed transfer has no page any more; reading it again would only show an error on the way out.
      if (action !== 'remove') await queryClient.invalidateQueries({ queryKey: trpc.transfers.byId.queryKey() })
      await queryClient.invalidateQueries({ queryKey: trpc.transfers.list.queryKey() })
    },
  })
}
