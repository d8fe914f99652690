import type { TransferStatus } from '../../../server/domain/transfer.ts'
import { cn } from './cn.ts'

const FILLS: Record<TransferStatus, string> = {
  queued: 'bg-dim',
  running: 'bg-water',
  verifying: 'bg-water',
  completed: 'bg-success',
  paused: 'bg-warning',
  failed: 'bg-destructive',
  cancelled: 'bg-dim',
}

/**
 * The segmented bar ▰▰▰▱▱. `fraction` goes from 0 to 1; null means the size is unknown, which is shown as a faint whole bar.
 * `label` says what is measured, for screen readers.
 */
export function ProgressBar(props: {
  fraction: number | null
  status?: TransferStatus
  segments?: number
  label: string
  className?: string
}) {
  const percent = props.fraction === null ? null : Math.min(100, Math.max(0, props.fraction * 100))
  return (
    <div
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent === null ? undefined : Math.floor(percent)}
      className={cn('segments h-2 w-24 shrink-0 bg-track', props.className)}
      style={{ '--segments': props.segments ?? 10 } as React.CSSProperties}
    >
      <div
        className={cn(
          'h-full w-full origin-left',
          FILLS[props.status ?? 'running'],
          percent === null && 'animate-pulse opacity-40',
        )}
        style={percent === null ? undefined : { transform: `scaleX(${percent / 100})` }}
      />
    </div>
  )
}
