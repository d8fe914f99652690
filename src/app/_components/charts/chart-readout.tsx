'use client'

import { splitBytes } from '../../../server/domain/bytes.ts'
import { formatDuration } from '../ui/format-duration.ts'
import type { ThroughputPoint } from './chart-domain.ts'

interface ChartReadoutProps {
  /** The point under the crosshair, or the last one. */
  point: ThroughputPoint | null
  timeText: string
  /** Over how long the bucket's rate is averaged; null where it is by the step. */
  averagedMs: number | null
  showsCache: boolean
  limitBytesPerSecond?: number | null
  zoomed: boolean
  onReset: () => void
}

/** Legend and readout in one: every figure has its place and its width, so nothing moves while the crosshair does. */
export function ChartReadout(props: ChartReadoutProps) {
  const { point, timeText, averagedMs, showsCache, limitBytesPerSecond, zoomed, onReset } = props
  return (
    <div className="flex flex-wrap items-center gap-x-5 gap-y-1 text-xs leading-5">
      <Figure colour="var(--chart-source)" label="source" rate={point?.sourceBytesPerSecond} stroke={undefined} />
      <Figure colour="var(--chart-bucket)" label="bucket" rate={point?.bucketBytesPerSecond} stroke="5 3" />
      {showsCache && (
        <Figure colour="var(--chart-cache)" label="from cache" rate={point?.cacheBytesPerSecond ?? 0} stroke="1 3" />
      )}
      {limitBytesPerSecond != null && (
        <Figure colour="var(--chart-limit)" label="limit" rate={limitBytesPerSecond} stroke="8 3 1 3" />
      )}
      {averagedMs !== null && (
        <span
          className="text-muted-foreground max-md:hidden"
          title="Parts reach a bucket in bursts; the curve is their mean."
        >
          bucket averaged over {formatDuration(averagedMs / 1000)}
        </span>
      )}
      <span className="ml-auto inline-flex items-center gap-3">
        <button
          className={`h-5 cursor-pointer rounded-sm border border-border px-1.5 text-muted-foreground hover:text-foreground ${zoomed ? '' : 'invisible'}`}
          onClick={onReset}
          type="button"
        >
          Show all
        </button>
        <span className="inline-block min-w-[10ch] text-right num text-muted-foreground">{timeText}</span>
      </span>
    </div>
  )
}

function Figure(props: { colour: string; label: string; rate: number | undefined; stroke: string | undefined }) {
  const { value, unit } = props.rate === undefined ? { value: '', unit: '' } : splitBytes(props.rate)
  return (
    <span className="inline-flex items-center gap-1.5">
      <svg aria-hidden="true" height="8" width="22">
        <line
          stroke={props.colour}
          strokeDasharray={props.stroke}
          strokeLinecap={props.stroke === '1 3' ? 'round' : 'butt'}
          strokeWidth="2"
          x1="1"
          x2="21"
          y1="4"
          y2="4"
        />
      </svg>
      <span className="text-muted-foreground">{props.label}</span>
      <span className="inline-flex w-[11ch] justify-end gap-[0.6ch] num">
        <span>{value}</span>
        <span className="w-[5ch] text-muted-foreground">{unit && `${unit}/s`}</span>
      </span>
    </span>
  )
}
