import { splitBytes } from '../../../server/domain/bytes.ts'
import { tookText } from '../../../server/domain/duration.ts'
import { cn } from './cn.ts'
import { formatDuration } from './format-duration.ts'

/** A number with its unit dimmed. `value` null is shown as a dash. */
export function Quantity(props: {
  value: string | number | null
  unit?: string
  className?: string
  unitClassName?: string
}) {
  if (props.value === null) return <span className={cn('text-dim', props.className)}>–</span>
  return (
    <span className={cn('whitespace-nowrap', props.className)}>
      <span className="num">{typeof props.value === 'number' ? props.value.toLocaleString('en-US') : props.value}</span>
      {props.unit && <span className={cn('text-dim', props.unitClassName)}> {props.unit}</span>}
    </span>
  )
}

type Looks = { className?: string; unitClassName?: string }

/** A byte count: `4.40 GiB`. */
export function Bytes({ bytes, ...looks }: { bytes: number | null } & Looks) {
  if (bytes === null) return <Quantity value={null} {...looks} />
  const { value, unit } = splitBytes(bytes)
  return <Quantity value={value} unit={unit} {...looks} />
}

/** A rate: `412.6 MiB/s`. */
export function Rate({ bytesPerSecond, ...looks }: { bytesPerSecond: number | null } & Looks) {
  if (bytesPerSecond === null) return <Quantity value={null} {...looks} />
  const { value, unit } = splitBytes(bytesPerSecond)
  return <Quantity value={value} unit={`${unit}/s`} {...looks} />
}

/** A span of time: `4 s`, `3 min 12 s`, `2 h 5 min`. */
export function Duration({ seconds, ...looks }: { seconds: number | null } & Looks) {
  return <Pieces text={seconds === null ? null : formatDuration(seconds)} {...looks} />
}

/** How long something took, with tenths where they matter: `7.6 s`, `3 min 12 s`. */
export function Took({ milliseconds, ...looks }: { milliseconds: number | null } & Looks) {
  return <Pieces text={milliseconds === null ? null : tookText(milliseconds)} {...looks} />
}

/** Numbers and units in turn. */
function Pieces({ text, ...looks }: { text: string | null } & Looks) {
  if (text === null) return <Quantity value={null} {...looks} />
  return (
    <span className={cn('whitespace-nowrap', looks.className)}>
      {text.split(' ').map((piece, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one short text have no other identity.
        <span key={index}>
          {index > 0 && ' '}
          <span className={index % 2 === 0 ? 'num' : cn('text-dim', looks.unitClassName)}>{piece}</span>
        </span>
      ))}
    </span>
  )
}
