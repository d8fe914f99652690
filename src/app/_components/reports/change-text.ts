import type { FigureForm } from '../../../server/domain/report/compare-rows.ts'

/** A change as people read it: `▲ 153 %`, `▼ 12 %`, in points where the figure is a percentage itself; `=` where there is none. */
export function changeText(share: number, form: FigureForm): string {
  const percent = Math.abs(share) * 100
  const rounded = percent >= 10 ? Math.round(percent) : Math.round(percent * 10) / 10
  if (rounded === 0) return '='
  const arrow = share > 0 ? '▲' : '▼'
  if (form !== 'percent' && share >= 9.95) return `${arrow} ${Math.round(share + 1)} ×`
  return `${arrow} ${rounded} ${form === 'percent' ? 'pp' : '%'}`
}
