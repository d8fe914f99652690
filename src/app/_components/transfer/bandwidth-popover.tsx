'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { LimitPopover } from '../limits/limit-popover.tsx'

/** Limits one transfer while it runs. The engine takes it up with its next look at the row, within a second or two. */
export function BandwidthPopover({ transferId, limit }: { transferId: string; limit: number | null }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const { mutateAsync } = useMutation(trpc.transfers.setBandwidth.mutationOptions())
  const save = async (bytesPerSecond: number | null) => {
    try {
      const { refused } = await mutateAsync({ ids: [transferId], bytesPerSecond })
      if (refused[0]) return refused[0].failure.message
      await queryClient.invalidateQueries({ queryKey: trpc.transfers.byId.queryKey() })
      return null
    } catch (error) {
      return failureOf(error).message
    }
  }
  return <LimitPopover hint="For this transfer, over all engines." limit={limit} save={save} />
}
