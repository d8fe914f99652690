import type { OriginStats } from '../../../server/domain/published-origin.ts'
import { cn } from '../ui/cn.ts'

const STATES = {
  closed: {
    word: 'Answers',
    title: 'The origin answers.',
    colour: 'text-success',
    shape: <circle cx="6" cy="6" r="3.25" fill="currentColor" />,
  },
  'half-open': {
    word: 'Trying again',
    title: 'The origin failed several times; a few requests find out whether it is back.',
    colour: 'text-warning',
    shape: <path d="M6 1.75 11 10.5H1Z" fill="currentColor" />,
  },
  open: {
    word: 'Left alone',
    title: 'The origin failed several times in a row and is not asked for a while. What is cached is still served.',
    colour: 'text-destructive',
    shape: <path d="M2.2 2.2 9.8 9.8M9.8 2.2 2.2 9.8" stroke="currentColor" strokeWidth="2" />,
  },
  unused: {
    word: 'Not asked yet',
    title: 'No reader has asked for anything of it since the engines started.',
    colour: 'text-dim',
    shape: <circle cx="6" cy="6" r="3" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  },
} as const

/** How an origin is doing, by shape and word: the state of its circuit breaker. */
export function OriginState({ stats, className }: { stats: OriginStats | null; className?: string }) {
  const { word, title, colour, shape } = STATES[stats?.breaker ?? 'unused']
  return (
    <span
      className={cn('inline-flex items-center gap-1.5 whitespace-nowrap', stats === null && 'text-dim', className)}
      title={title}
    >
      <svg viewBox="0 0 12 12" className={cn('size-3 shrink-0', colour)} aria-hidden>
        {shape}
      </svg>
      {word}
    </span>
  )
}
