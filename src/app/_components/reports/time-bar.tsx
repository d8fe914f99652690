import { useId } from 'react'
import { formatDuration, tookText } from '../../../server/domain/duration.ts'
import { percent } from '../../../server/domain/report/report-story.ts'
import { TIME_KINDS, type TimeKind, type TimeSplit } from '../../../server/domain/report/time-split.ts'
import { TIME_LOOKS } from './report-words.ts'

/** What would be thinner than this is drawn this wide, so that it is seen to be there. */
const LEAST_SHARE = 0.004

/** Where the time went: one bar, and below it what each piece means. The list is the bar in words, so the bar is hidden to readers. */
export function TimeBar({ split, bare = false }: { split: TimeSplit; bare?: boolean }) {
  const id = useId()
  const kinds = TIME_KINDS.filter((kind) => split.ms[kind] >= 1)
  if (split.totalMs <= 0 || kinds.length === 0) return null
  const widths = kinds.map((kind) => Math.max(LEAST_SHARE, split.ms[kind] / split.totalMs))
  const sum = widths.reduce((total, width) => total + width, 0)
  let before = 0
  const boxes = kinds.map((kind, index) => {
    const x = before / sum
    before += widths[index] ?? 0
    return { kind, x, width: (widths[index] ?? 0) / sum }
  })
  return (
    <div>
      <svg aria-hidden="true" className="block w-full" height={bare ? 10 : 28}>
        <Patterns id={id} kinds={kinds} />
        {boxes.map(({ kind, x, width }) => (
          <TimePiece height={bare ? 10 : 28} id={id} key={kind} kind={kind} width={width} x={x} />
        ))}
      </svg>
      {!bare && (
        <dl className="mt-3 grid grid-cols-[auto_minmax(6.5rem,auto)_minmax(4.5rem,auto)_minmax(4.5rem,auto)_minmax(0,1fr)] gap-x-3">
          {kinds.map((kind) => (
            <div
              className="col-span-full grid grid-cols-subgrid items-center border-b py-1.5 last:border-b-0"
              key={kind}
            >
              <svg aria-hidden="true" height="12" width="12">
                <TimePiece height={12} id={id} kind={kind} width={1} x={0} />
              </svg>
              <dt className="whitespace-nowrap">{TIME_LOOKS[kind].name}</dt>
              <dd className="num whitespace-nowrap text-right">{timeText(split.ms[kind])}</dd>
              <dd className="num whitespace-nowrap text-right text-muted-foreground">
                {percent(split.ms[kind] / split.totalMs).replace('under 1', '< 1')}
              </dd>
              <dd className="text-muted-foreground max-sm:col-span-4 max-sm:col-start-2">{TIME_LOOKS[kind].meaning}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}

function TimePiece(props: { id: string; kind: TimeKind; x: number; width: number; height: number }) {
  const { colour, pattern } = TIME_LOOKS[props.kind]
  const box = { x: `${props.x * 100}%`, width: `${props.width * 100}%`, height: props.height }
  return (
    <g>
      <rect {...box} fill={pattern === 'solid' ? colour : `url(#${props.id}${props.kind})`} />
      <rect fill="var(--background)" height={props.height} width={props.x > 0 ? 1 : 0} x={`${props.x * 100}%`} />
    </g>
  )
}

function Patterns({ id, kinds }: { id: string; kinds: readonly TimeKind[] }) {
  return (
    <defs>
      {kinds.map((kind) => {
        const { colour, pattern } = TIME_LOOKS[kind]
        if (pattern === 'solid') return null
        const turned = pattern === 'hatch' || pattern === 'cross' ? 'rotate(45)' : undefined
        return (
          <pattern
            height="6"
            id={`${id}${kind}`}
            key={kind}
            patternTransform={turned}
            patternUnits="userSpaceOnUse"
            width="6"
          >
            <rect fill={colour} fillOpacity={GROUND[pattern]} height="6" width="6" />
            {pattern === 'hatch' && <rect fill={colour} height="6" width="4" />}
            {pattern === 'cross' && <path d="M0 0h6v2.5h-6zM0 0h2.5v6h-2.5z" fill={colour} />}
            {pattern === 'lines' && <rect fill={colour} height="3" width="6" />}
            {pattern === 'dots' && <circle cx="3" cy="3" fill={colour} r="1.4" />}
          </pattern>
        )
      })}
    </defs>
  )
}

const GROUND = { solid: 1, hatch: 0.45, cross: 0.4, lines: 0.35, dots: 0.2, empty: 0.85 } as const

const timeText = (ms: number) =>
  ms < 950 ? `${Math.round(ms)} ms` : ms < 59_950 ? tookText(ms) : formatDuration(ms / 1000)
