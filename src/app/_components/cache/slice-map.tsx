import type { CacheObject } from '../../../server/domain/cache.ts'
import { countRuns, mapSpans, slicesTotal } from './slice-map-layout.ts'

/** Which slices of an object are cached, along the file: those in memory above, those on disk below, where there is a disk tier. */
export function SliceMap(props: { object: CacheObject; hasDisk: boolean; className?: string }) {
  const { object, hasDisk } = props
  const total = slicesTotal(object)
  const count = (n: number) => n.toLocaleString('en-US')
  const onDisk = hasDisk ? `, ${count(countRuns(object.disk))} on disk` : ''
  const words = `Of ${count(total)} slices ${count(countRuns(object.memory))} in memory${onDisk}`
  const tiers = hasDisk ? (['memory', 'disk'] as const) : (['memory'] as const)
  return (
    <svg
      viewBox={`0 0 1000 ${hasDisk ? 11 : 5}`}
      preserveAspectRatio="none"
      className={props.className}
      role="img"
      aria-label={words}
      shapeRendering="crispEdges"
    >
      <title>{words}</title>
      {tiers.map((tier, row) => (
        <g key={tier}>
          <rect x={0} y={row * 6} width={1000} height={5} fill="var(--track)" />
          {mapSpans(object[tier], total).map(({ left, width }) => (
            <rect
              key={left}
              x={left * 1000}
              y={row * 6}
              width={width * 1000}
              height={5}
              fill={tier === 'memory' ? 'var(--chart-source)' : 'var(--chart-bucket)'}
            />
          ))}
        </g>
      ))}
    </svg>
  )
}
