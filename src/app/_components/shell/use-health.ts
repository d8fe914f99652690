'use client'

import { useQuery } from '@tanstack/react-query'
import { useTRPC } from '../../_trpc/client.tsx'

/** `system.health`, asked every 2 seconds while the page is visible. Everything that shows it shares one request. */
export function useHealth() {
  const trpc = useTRPC()
  return useQuery(trpc.system.health.queryOptions(undefined, { refetchInterval: 2000, staleTime: 1000 }))
}
