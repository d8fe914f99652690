import type { TransferStatus as Status } from '../../../server/domain/transfer.ts'
import { cn } from './cn.ts'

/** The word people read for a state. */
export const STATUS_WORDS: Record<Status, string> = {
  queued: 'Queued',
  running: 'Running',
  verifying: 'Verifying',
  completed: 'Done',
  paused: 'Paused',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

const COLOURS: Record<Status, string> = {
  queued: 'text-dim',
  running: 'text-water',
  verifying: 'text-water',
  completed: 'text-success',
  paused: 'text-warning',
  failed: 'text-destructive',
  cancelled: 'text-dim',
}

// Every state has a shape of its own, so that colour is never the only sign.
const SHAPES: Record<Status, React.ReactNode> = {
  queued: (
    <circle cx="6" cy="6" r="3.75" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.2 1.7" />
  ),
  running: <path d="M3 2.2v7.6a.6.6 0 0 0 .92.5l6-3.8a.6.6 0 0 0 0-1l-6-3.8a.6.6 0 0 0-.92.5Z" fill="currentColor" />,
  verifying: (
    <path
      d="M6 1.5 10 3v3c0 2.3-1.7 3.9-4 4.7C3.7 9.9 2 8.3 2 6V3Z"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
    />
  ),
  completed: (
    <path
      d="m2 6.5 2.7 2.7L10 3.3"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
  paused: <path d="M3 2h2.1v8H3ZM6.9 2H9v8H6.9Z" fill="currentColor" />,
  failed: <path d="m2.5 2.5 7 7m0-7-7 7" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />,
  cancelled: (
    <path
      d="M6 2.25a3.75 3.75 0 1 0 0 7.5a3.75 3.75 0 0 0 0-7.5ZM3.4 8.6l5.2-5.2"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
    />
  ),
}

/** The shape of a state, coloured. Without a word beside it, give it `label`. */
export function StatusShape({ status, label, className }: { status: Status; label?: boolean; className?: string }) {
  return (
    <svg
      viewBox="0 0 12 12"
      className={cn('size-3 shrink-0', COLOURS[status], className)}
      role={label ? 'img' : undefined}
      aria-label={label ? STATUS_WORDS[status] : undefined}
      aria-hidden={label ? undefined : true}
    >
      {SHAPES[status]}
    </svg>
  )
}

/** The state of a transfer by shape and word. */
export function TransferStatus(props: { status: Status; cancelling?: boolean; className?: string }) {
  return (
    <span className={cn('inline-flex items-center gap-1.5 whitespace-nowrap', props.className)}>
      <StatusShape status={props.status} />
      {props.cancelling ? 'Cancelling' : STATUS_WORDS[props.status]}
    </span>
  )
}
