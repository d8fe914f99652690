'use client'

import { useQuery } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { ChartMark, ThroughputPoint } from '../_components/charts/chart-domain.ts'
import { useTRPC } from '../_trpc/client.tsx'
import { addSample, retryMarks, type SampleSeries, seriesFromWindow, seriesPoints } from './sample-series.ts'
import { usePageVisible } from './use-page-visible.ts'

/** Steps of the first answer; as many as the chart draws. */
const WINDOW_POINTS = 600
/** When so many steps are held, the window is asked for again, which comes back in fewer and longer ones. */
const MOST_STEPS = 1500

export interface LiveSamples {
  points: ThroughputPoint[]
  retries: ChartMark[]
  state: 'loading' | 'error' | undefined
}

/**
 * The throughput of a transfer from its first second to now. The window comes first; live samples go on from its last id, so that
 * none is missed or counted twice (tRPC repeats that id when it reconnects). While nobody sees the page nothing is
 * streamed; the window is read again when somebody does.
 */
export function useLiveSamples({ transferId, live }: { transferId: string; live: boolean }): LiveSamples {
  const trpc = useTRPC()
  const streams = usePageVisible() && live
  const window = useQuery(
    trpc.progress.window.queryOptions(
      { transferId, points: WINDOW_POINTS },
      {
        staleTime: Number.POSITIVE_INFINITY,
        structuralSharing: false,
        refetchInterval: (query) => (query.state.status === 'error' ? 5000 : false),
      },
    ),
  )
  const base = useMemo(() => (window.data ? seriesFromWindow(window.data) : null), [window.data])
  const [grown, setGrown] = useState<{ base: SampleSeries | null; series: SampleSeries | null }>({
    base: null,
    series: null,
  })
  const series = grown.base === base && grown.series ? grown.series : base

  const { refetch } = window
  const before = useRef({ streams, live })
  useEffect(() => {
    // Seen again: catch up on what was missed. Ended: read what was written last.
    if ((streams && !before.current.streams) || (!live && before.current.live)) void refetch()
    before.current = { streams, live }
  }, [streams, live, refetch])
  const isLong = (series?.steps.size ?? 0) > MOST_STEPS
  useEffect(() => {
    if (isLong) void refetch()
  }, [isLong, refetch])

  useSubscription(
    trpc.progress.onSample.subscriptionOptions(
      { transferId, lastEventId: window.data?.lastEventId ?? null },
      {
        enabled: streams && base !== null && !window.isFetching,
        onData: ({ id, data }) =>
          setGrown((before) => {
            const from = before.base === base && before.series ? before.series : base
            return from ? { base, series: addSample(from, id, data) } : before
          }),
      },
    ),
  )

  const points = useMemo(() => (series ? seriesPoints(series) : []), [series])
  const retries = useMemo(() => (series ? retryMarks(series) : []), [series])
  return { points, retries, state: series ? undefined : window.isError ? 'error' : 'loading' }
}
