/** Colour and stroke together tell curves apart; with more than ten they repeat, and the letters at their ends go on telling. */
export const CURVE_LOOKS: readonly { colour: string; dashes: string | undefined }[] = [
  { colour: 'var(--chart-source)', dashes: undefined },
  { colour: 'var(--chart-bucket)', dashes: '6 3' },
  { colour: 'var(--success)', dashes: '2 2' },
  { colour: 'var(--chart-cache)', dashes: undefined },
  { colour: 'var(--destructive)', dashes: '8 3 2 3' },
  { colour: 'var(--foreground)', dashes: '1 3' },
  { colour: 'var(--chart-limit)', dashes: undefined },
  { colour: 'var(--chart-source)', dashes: '2 2' },
  { colour: 'var(--chart-bucket)', dashes: undefined },
  { colour: 'var(--success)', dashes: '8 3 2 3' },
]

type Point = readonly [at: number, bytesPerSecond: number]

/** Points from a common start, in seconds or in shares of the run. Where none was recorded for a while, nothing moved. */
export function normalised(recorded: readonly Point[], by: 'seconds' | 'share'): readonly Point[] {
  const points = withoutHoles(recorded)
  const first = points[0]?.[0] ?? 0
  const length = (points.at(-1)?.[0] ?? first) - first
  if (by === 'seconds') return points.map(([at, rate]) => [at - first, rate])
  return length > 0 ? points.map(([at, rate]) => [(at - first) / length, rate]) : points.map(([, rate]) => [0, rate])
}

function withoutHoles(points: readonly Point[]): readonly Point[] {
  const steps = points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? at))
  const step = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 1
  return points.flatMap((point, index): Point[] => {
    const before = points[index - 1]
    if (!before || point[0] - before[0] <= 2.5 * step) return [point]
    return [[before[0] + step, 0], [point[0] - step, 0], point]
  })
}

/** The rate at a moment: that of the last point before it; null before the first and after the end. */
export function curveAt(points: readonly Point[], at: number): number | null {
  const last = points.at(-1)
  if (!last || at > last[0]) return null
  return points.findLast((point) => point[0] <= at)?.[1] ?? null
}

/** Where the letters stand: at the ends of the curves, moved apart where they would lie on each other. */
export function endLabels(
  curves: readonly { letter: string; points: readonly Point[] }[],
  pixelsPerX: number,
  pixelsPerRate: number,
  heightPx: number,
): { letter: string; x: number; y: number }[] {
  const placed: { letter: string; x: number; y: number }[] = []
  const ends = curves.flatMap(({ letter, points }) => {
    const end = points.at(-1)
    return end ? [{ letter, x: end[0] * pixelsPerX, y: heightPx - end[1] * pixelsPerRate }] : []
  })
  for (const label of ends.sort((a, b) => a.y - b.y)) {
    const above = placed.filter(({ x }) => Math.abs(x - label.x) < 14).at(-1)
    placed.push({ ...label, y: above ? Math.max(label.y, above.y + 13) : label.y })
  }
  return placed
}
