import type { EngineView } from '../../../server/domain/engine.ts'
import { cn } from '../ui/cn.ts'

const STATES = {
  healthy: { word: 'Healthy', colour: 'text-success', shape: <circle cx="6" cy="6" r="3.25" fill="currentColor" /> },
  silent: { word: 'Silent', colour: 'text-warning', shape: <path d="M6 1.75 11 10.5H1Z" fill="currentColor" /> },
  stopped: {
    word: 'Stopped',
    colour: 'text-dim',
    shape: <rect x="2.75" y="2.75" width="6.5" height="6.5" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  },
} as const

/** The state of an engine by shape and word. */
export function EngineState({ state, className }: { state: EngineView['state']; className?: string }) {
  const { word, colour, shape } = STATES[state]
  return (
    <span className={cn('inline-flex items-center gap-1.5 whitespace-nowrap', className)}>
      <svg viewBox="0 0 12 12" className={cn('size-3 shrink-0', colour)} aria-hidden>
        {shape}
      </svg>
      {word}
    </span>
  )
}
