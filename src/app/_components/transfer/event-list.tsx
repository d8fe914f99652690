'use client'

import { useState } from 'react'
import type { EventView } from '../../../server/domain/transfer.ts'
import { formatClock } from '../charts/chart-domain.ts'
import { Button } from '../ui/button.tsx'
import { useNow } from '../ui/use-now.ts'

const SHOWN_FIRST = 12

/** What happened, newest first. A day stands above the first event of each day that is not today. */
export function EventList({ events, engineNames }: { events: EventView[]; engineNames: ReadonlyMap<string, string> }) {
  const [all, setAll] = useState(false)
  const clockKnown = useNow() !== null
  const shown = all ? events : events.slice(0, SHOWN_FIRST)
  if (events.length === 0) return <p className="py-3 text-muted-foreground">Nothing has happened yet.</p>
  return (
    <>
      <ol className="py-1">
        {shown.map((event) => (
          <li className="flex gap-3 py-1" key={event.id}>
            <time
              className="num w-[8ch] shrink-0 text-dim"
              dateTime={event.at.toISOString()}
              title={clockKnown ? event.at.toLocaleString() : undefined}
            >
              {clockKnown ? formatClock(event.at.getTime(), 0) : '\u00a0'}
            </time>
            <span className="wrap-anywhere min-w-0">
              {event.level !== 'info' && (
                <span className={event.level === 'error' ? 'text-destructive' : 'text-warning'}>
                  {event.level === 'error' ? 'Failed: ' : 'Warning: '}
                </span>
              )}
              {event.message}
              {event.engineId && engineNames.size > 1 && (
                <span className="text-dim"> · {engineNames.get(event.engineId) ?? event.engineId.slice(-4)}</span>
              )}
            </span>
          </li>
        ))}
      </ol>
      {events.length > SHOWN_FIRST && (
        <Button className="mb-2" onClick={() => setAll(!all)} size="sm" variant="outline">
          {all ? 'Show fewer' : `Show all ${events.length}`}
        </Button>
      )}
    </>
  )
}
