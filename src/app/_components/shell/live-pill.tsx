'use client'

import Link from 'next/link'
import { failureOf } from '../../_trpc/failure-of.ts'
import { cn } from '../ui/cn.ts'
import { Tooltip } from '../ui/tooltip.tsx'
import { liveSummary } from './live-summary.ts'
import { useHealth } from './use-health.ts'

const TONES = {
  ok: 'border-border text-muted-foreground hover:border-input',
  warn: 'border-transparent bg-warning-soft text-warning',
  down: 'border-transparent bg-destructive-soft text-destructive',
  unknown: 'border-border text-dim',
} as const

// A disc, a triangle, a cross: colour is never the only sign.
const SHAPES = {
  ok: <circle cx="6" cy="6" r="3" />,
  warn: <path d="M6 2 11 10H1Z" />,
  down: <path d="m2.5 2.5 7 7m0-7-7 7" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
  unknown: <circle cx="6" cy="6" r="2.5" fill="none" stroke="currentColor" />,
} as const

/** How things are, on every page: `3 running · 1.2 GiB/s · all engines healthy`. Leads to the engines. */
export function LivePill() {
  const { data, error } = useHealth()
  const summary = liveSummary(data, error ? failureOf(error) : null)
  return (
    <Tooltip content={summary.detail} side="bottom">
      <Link
        href="/engines"
        aria-label={`${summary.parts.join(', ')}. ${summary.detail}`}
        className={cn(
          'focus-ring inline-flex h-7 shrink-0 items-center gap-1.5 whitespace-nowrap rounded-full border px-2.5 text-xs transition-colors',
          TONES[summary.tone],
        )}
      >
        <svg
          viewBox="0 0 12 12"
          aria-hidden
          fill="currentColor"
          className={cn('size-2.5', summary.tone === 'ok' && (data?.running ? 'text-water' : 'text-success'))}
        >
          {SHAPES[summary.tone]}
        </svg>
        {summary.parts.map((part, index) => (
          <span key={part.replace(/[\d.,]+/g, '')} className={cn(index > 0 && 'max-lg:hidden')}>
            {index > 0 && <span className="mr-1.5 text-dim">·</span>}
            <span className="tabular-nums">{part}</span>
          </span>
        ))}
      </Link>
    </Tooltip>
  )
}
