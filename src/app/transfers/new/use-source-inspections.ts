'use client'

import { useEffect, useMemo, useState } from 'react'
import { useTRPCClient } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { InspectionQueue, type InspectionState } from './inspection-queue.ts'

const AT_MOST_AT_ONCE = 4
const TYPING_PAUSE_MS = 400

const NONE: ReadonlyMap<string, InspectionState> = new Map()

/**
 * What is at the given links, found out while the person types. Other headers are another question, so answers are kept for each
 * set of headers apart.
 */
export function useSourceInspections(
  urls: readonly string[],
  headers: Record<string, string> | undefined,
): { states: ReadonlyMap<string, InspectionState>; retry: (url: string) => void } {
  const client = useTRPCClient()
  const [states, setStates] = useState(NONE)
  const headersKey = JSON.stringify(headers ?? {})
  const queue = useMemo(() => {
    const sent: Record<string, string> = JSON.parse(headersKey)
    const created: InspectionQueue = new InspectionQueue({
      atMostAtOnce: AT_MOST_AT_ONCE,
      onChange: () => setStates(created.states),
      ask: async (url, signal): Promise<InspectionState> => {
        try {
          const input = Object.keys(sent).length > 0 ? { url, headers: sent } : { url }
          return { state: 'found', answer: await client.inspections.source.mutate(input, { signal }) }
        } catch (error) {
          return { state: 'failed', failure: failureOf(error) }
        }
      },
    })
    return created
  }, [client, headersKey])

  useEffect(() => {
    setStates(queue.states)
    return () => queue.stop()
  }, [queue])

  const urlsKey = urls.join('\n')
  useEffect(() => {
    const timer = setTimeout(() => queue.want(urlsKey === '' ? [] : urlsKey.split('\n')), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [queue, urlsKey])

  return { states, retry: (url) => queue.retry(url) }
}
