'use client'

import { cn } from '../ui/cn.ts'
import { Quantity } from '../ui/quantity.tsx'
import { useNow } from '../ui/use-now.ts'
import { errorPercent, type ListedOrigin, stateOf } from './origin-words.ts'

const CROSS = <path d="M2.2 2.2 9.8 9.8M9.8 2.2 2.2 9.8" stroke="currentColor" strokeWidth="2" />

const STATES = {
  closed: {
    word: 'Answers',
    title: 'Readers get answers.',
    colour: 'text-success',
    shape: <circle cx="6" cy="6" r="3.25" fill="currentColor" />,
  },
  failing: {
    word: 'Fails',
    title: 'The latest readers all got errors.',
    colour: 'text-destructive',
    shape: CROSS,
  },
  'half-open': {
    word: 'Trying again',
    title: 'The origin failed several times; the next requests find out whether it is back.',
    colour: 'text-warning',
    shape: <path d="M6 1.75 11 10.5H1Z" fill="currentColor" />,
  },
  open: {
    word: 'Left alone',
    title: 'The origin failed several times in a row and is not asked for a while. What is cached is still served.',
    colour: 'text-destructive',
    shape: CROSS,
  },
  unserved: {
    word: 'Not served',
    title: 'Engines cannot open its secrets. Readers get errors.',
    colour: 'text-destructive',
    shape: CROSS,
  },
  unused: {
    word: 'Not asked yet',
    title: 'No reader was answered since the engines started, or since it was changed.',
    colour: 'text-dim',
    shape: <circle cx="6" cy="6" r="3" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  },
} as const

/** How an origin is doing, by shape and word, and below it the number that belongs to that. */
export function OriginState({ origin, className }: { origin: ListedOrigin; className?: string }) {
  const state = stateOf(origin)
  const { word, title, colour, shape } = STATES[state]
  const errors = errorPercent(origin.stats)
  const untilMs = state === 'open' ? (origin.stats?.breakerUntilMs ?? null) : null
  return (
    <div className={cn('flex flex-wrap items-baseline gap-x-2 whitespace-nowrap lg:block', className)}>
      <span className={cn('inline-flex items-center gap-1.5', state === 'unused' && 'text-dim')} title={title}>
        <svg viewBox="0 0 12 12" className={cn('size-3 shrink-0', colour)} aria-hidden>
          {shape}
        </svg>
        {word}
      </span>
      {untilMs !== null ? (
        <Note>
          until <ClockTime atMs={untilMs} />
        </Note>
      ) : (
        errors !== null && (
          <Note title="Of the latest answers to readers">
            <Quantity value={errors} unit="% errors" />
          </Note>
        )
      )}
    </div>
  )
}

function Note({ title, children }: { title?: string; children: React.ReactNode }) {
  return (
    <p className="text-muted-foreground text-xs lg:pl-4.5" title={title}>
      {children}
    </p>
  )
}

/** A time of day by the reader's clock; nothing until the browser knows it. */
function ClockTime({ atMs }: { atMs: number }) {
  const isKnown = useNow() !== null
  const at = new Date(atMs)
  return (
    <time dateTime={at.toISOString()} className="num">
      {isKnown ? at.toLocaleTimeString() : '\u00a0'}
    </time>
  )
}
