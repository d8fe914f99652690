import type { TimeKind } from '../../../server/domain/report/time-split.ts'

/** How a share of a run's time is named, drawn and explained. Patterns tell apart what colours may not. */
export interface TimeLook {
  name: string
  meaning: string
  colour: string
  pattern: 'solid' | 'hatch' | 'cross' | 'lines' | 'dots' | 'empty'
}

export const TIME_LOOKS: Record<TimeKind, TimeLook> = {
  start: {
    name: 'Start',
    meaning: 'before the first byte: the look at the source, the plan',
    colour: 'var(--chart-limit)',
    pattern: 'dots',
  },
  source: {
    name: 'Source',
    meaning: 'Sluice could have taken more than the source sent',
    colour: 'var(--chart-source)',
    pattern: 'solid',
  },
  bucket: {
    name: 'Bucket',
    meaning: 'bytes were there and waited for the bucket',
    colour: 'var(--chart-bucket)',
    pattern: 'hatch',
  },
  memory: {
    name: 'Us: memory',
    meaning: 'reading waited for room in the memory budget',
    colour: 'var(--chart-cache)',
    pattern: 'solid',
  },
  processor: {
    name: 'Us: processor',
    meaning: 'the thread of the engine had no time left',
    colour: 'var(--chart-cache)',
    pattern: 'cross',
  },
  rate: {
    name: 'Limit',
    meaning: 'a bandwidth limit, of the transfer or of the engine, held it back',
    colour: 'var(--chart-limit)',
    pattern: 'lines',
  },
  unknown: {
    name: 'Not measured',
    meaning: 'bytes moved; who was slow was not recorded',
    colour: 'var(--track)',
    pattern: 'solid',
  },
  still: {
    name: 'Stood still',
    meaning: 'paused, waiting before another try, or without an engine',
    colour: 'var(--input)',
    pattern: 'empty',
  },
  finish: {
    name: 'Finish',
    meaning:
      'the last parts, reading the source again where a checksum asks for it, completing the upload, proving the object',
    colour: 'var(--chart-limit)',
    pattern: 'hatch',
  },
}

/** A day and a time in the viewer's zone: `27 Nov 2026, 14:03`. */
export function formatMoment(at: Date): string {
  const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
  return `${day}, ${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`
}
