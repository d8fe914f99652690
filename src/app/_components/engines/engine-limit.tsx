'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { EngineView } from '../../../server/domain/engine.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { LimitPopover } from '../limits/limit-popover.tsx'

/** Limits what one engine reads. It takes that up at once, and again when it is started anew under the same name. */
export function EngineLimit({ engine }: { engine: EngineView }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const { mutateAsync } = useMutation(trpc.engines.setBandwidth.mutationOptions())
  const save = async (bytesPerSecond: number | null) => {
    try {
      await mutateAsync({ id: engine.id, bytesPerSecond })
      await queryClient.invalidateQueries({ queryKey: trpc.engines.list.queryKey() })
      return null
    } catch (error) {
      return failureOf(error).message
    }
  }
  return (
    <LimitPopover
      hint="For all transfers of this engine, and what it fetches for readers, together; each transfer's own limit holds as well."
      label={`Bandwidth limit of ${engine.name}`}
      limit={engine.bandwidthLimitBytesPerSecond}
      save={save}
    />
  )
}
