'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from 'next/navigation'
import type { TransferInput } from '../../../server/domain/transfer-input.ts'
import { useTRPC, useTRPCClient } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'

/** What became of a start: the links that are under way, and a sentence for each that is not. */
export interface StartResult {
  started: { url: string; id: string }[]
  refused: Map<string, string>
}

/**
 * Hands the items to the API. One goes to its own page, many to the list; where lines are left, the form stays with them. An API
 * that does not answer is an error of the whole call, and nothing was started.
 */
export function useStartTransfers(options: {
  /** Whether lines stay that could not be handed over at all. */
  hasLeftLines: boolean
  /** The form stays: what was started leaves it, what was refused gets its sentence. */
  onStay: (result: StartResult) => void
}) {
  const client = useTRPCClient()
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const router = useRouter()
  return useMutation({
    mutationFn: async (items: readonly TransferInput[]): Promise<StartResult> => {
      const [only] = items
      if (items.length === 1 && only) {
        const { id } = await client.transfers.create.mutate(only)
        return { started: [{ url: only.sourceUrl, id }], refused: new Map() }
      }
      const { results } = await client.transfers.createMany.mutate({ items: [...items] })
      const result: StartResult = { started: [], refused: new Map() }
      for (const [index, item] of items.entries()) {
        const answer = results[index]
        if (answer && 'id' in answer) result.started.push({ url: item.sourceUrl, id: answer.id })
        else result.refused.set(item.sourceUrl, answer?.error.message ?? 'It was not started. Try again.')
      }
      return result
    },
    onSuccess: async (result, items) => {
      await queryClient.invalidateQueries({ queryKey: trpc.transfers.list.queryKey() })
      const [first] = result.started
      if (result.refused.size > 0 || (result.started.length > 0 && options.hasLeftLines)) options.onStay(result)
      else if (items.length === 1 && first) router.push(`/transfers/${first.id}`)
      else router.push(`/transfers?created=${result.started.length}`)
    },
    onError: (error, items) => {
      const { message } = failureOf(error)
      options.onStay({ started: [], refused: new Map(items.map((item) => [item.sourceUrl, message])) })
    },
  })
}
