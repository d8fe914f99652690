'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import type { EngineView } from '../../../server/domain/engine.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { useHealth } from '../shell/use-health.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { CouldNotRead } from '../ui/could-not-read.tsx'
import { Section } from '../ui/section.tsx'
import { EngineList } from './engine-list.tsx'
import { FailedList } from './failed-list.tsx'
import { Figures } from './figures.tsx'
import { Hero } from './hero.tsx'
import { NewInstall } from './new-install.tsx'
import { completedQuery, failedQuery, runningQuery } from './overview-queries.ts'
import { RecentList } from './recent-list.tsx'
import { RunningList } from './running-list.tsx'

/** Is it moving, how fast, and can it be trusted: the page for a wall. */
export function OverviewPage() {
  const trpc = useTRPC()
  const health = useHealth()
  const running = useQuery(
    trpc.transfers.list.queryOptions(runningQuery, {
      refetchInterval: ({ state }) => ((state.data?.items.length ?? 0) > 0 ? 1000 : 3000),
    }),
  )
  const failed = useQuery(trpc.transfers.list.queryOptions(failedQuery, { refetchInterval: 10_000 }))
  const completed = useQuery(trpc.transfers.list.queryOptions(completedQuery, { refetchInterval: 2000 }))
  const engines = useQuery(trpc.engines.list.queryOptions(undefined, { refetchInterval: 5000 }))
  const counts = running.data?.counts

  if (health.isError && !health.data)
    return <CouldNotRead title="The overview could not be read" error={health.error} onRetry={health.refetch} />
  const failure = health.error ? failureOf(health.error) : null
  const noEngine = health.data?.state === 'down'
  if (counts?.all === 0)
    return (
      <>
        {noEngine && (
          <div className="px-4 pt-5 md:px-6">
            <NoEngine message={health.data?.message ?? ''} />
          </div>
        )}
        <NewInstall />
      </>
    )
  // Counts of the very answer that the list is of, or something would be more than nothing while the other is on its way.
  const more = (failed.data?.counts.failed ?? 0) - (failed.data?.items.length ?? 0)
  const moreDone = (completed.data?.counts.completed ?? 0) - (completed.data?.items.length ?? 0)
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-6 px-4 py-5 md:px-6">
      {failure && (
        <Callout title="These numbers may be out of date." tone="warning">
          {failure.message}
        </Callout>
      )}
      {noEngine && <NoEngine message={health.data?.message ?? ''} />}
      <Hero health={health.data} updatedAtMs={health.dataUpdatedAt} />
      <Figures health={health.data} engines={engines.data ?? []} />
      <Section
        title="Running"
        aside={
          <Link href="/transfers" className="hover:text-foreground">
            All transfers
          </Link>
        }
      >
        {running.data && running.data.items.length === 0 ? (
          <p className="py-3 text-muted-foreground">
            {counts?.queued
              ? `Nothing runs; ${counts.queued.toLocaleString('en-US')} waiting.`
              : 'Nothing runs right now. '}
            {!counts?.queued && (
              <Link href="/transfers/new" className="text-link underline underline-offset-4">
                Paste a link to move a file
              </Link>
            )}
          </p>
        ) : (
          <RunningList transfers={running.data?.items ?? []} />
        )}
      </Section>
      <div className="grid gap-x-10 gap-y-6 xl:grid-cols-[minmax(0,3fr)_minmax(0,1fr)]">
        <div className="grid min-w-0 content-start gap-6">
          {failed.data && failed.data.items.length > 0 && (
            <Section
              title="Failed"
              aside={
                more > 0 && (
                  <Link href="/transfers?status=failed" className="hover:text-foreground">
                    {more.toLocaleString('en-US')} more
                  </Link>
                )
              }
            >
              <FailedList transfers={failed.data.items} />
            </Section>
          )}
          <Section
            title="Done"
            aside={
              moreDone > 0 && (
                <Link href="/transfers?status=completed" className="hover:text-foreground">
                  {moreDone.toLocaleString('en-US')} more
                </Link>
              )
            }
          >
            {completed.data?.items.length === 0 ? (
              <p className="py-3 text-muted-foreground">Finished transfers stand here, with what proves them.</p>
            ) : (
              <RecentList transfers={completed.data?.items ?? []} />
            )}
          </Section>
        </div>
        <Section title="Engines">
          {engines.data?.length === 0 ? (
            <p className="py-3 text-muted-foreground">No engine was seen in the last day.</p>
          ) : (
            <EngineList engines={presentEngines(engines.data ?? [])} />
          )}
        </Section>
      </div>
    </div>
  )
}

function NoEngine({ message }: { message: string }) {
  return (
    <Callout
      tone="destructive"
      title="Nothing moves"
      action={
        <Button asChild size="sm" variant="outline">
          <Link href="/engines">Engines</Link>
        </Button>
      }
    >
      {message}
    </Callout>
  )
}

/** Engines that said goodbye are of interest only where there is no other. */
function presentEngines(engines: readonly EngineView[]): readonly EngineView[] {
  const present = engines.filter((engine) => engine.state !== 'stopped')
  return present.length > 0 ? present : engines.slice(0, 1)
}
