import type { PhaseFigures } from './crowd.ts'
import type { BesideFigures } from './one-reader.ts'

/** A phase, and what one more reader saw beside it. */
export type PhaseResult = PhaseFigures & { readonly beside: BesideFigures }

/** What the load plan is to reach (product.md B12), and whether it did. */
export interface Target {
  readonly what: string
  readonly wanted: string
  readonly seen: string
  readonly isMet: boolean
}

/** Holds figures against the plan. `addedMib`: beside the slices in memory and what the process has idle. */
export function targetsOf(phases: readonly PhaseResult[], addedMib: number): Target[] {
  const all = phases.reduce(
    (sum, { requests, errors, beside }) => ({
      requests: sum.requests + requests + beside.requests,
      errors: sum.errors + errors + beside.errors,
    }),
    { requests: 0, errors: 0 },
  )
  const afterWarmUp = phases.slice(1)
  const hits = afterWarmUp.reduce((sum, phase) => sum + phase.hits, 0)
  const asked = afterWarmUp.reduce((sum, phase) => sum + phase.requests, 0)
  const cached = Math.max(...phases.map(({ cachedMs }) => cachedMs.p95))
  const beside = Math.max(...phases.map(({ beside }) => beside.firstByteMs.p95))
  const origin = Math.max(...phases.map(({ originMs }) => originMs.p95))
  const errorShare = all.requests === 0 ? 1 : all.errors / (all.requests + all.errors)
  const hitShare = asked === 0 ? 0 : hits / asked
  return [
    {
      what: 'p95 to the first byte of a cached 64 KiB range, one reader beside them',
      wanted: 'under 500 ms',
      seen: `${beside.toFixed(0)} ms`,
      isMet: beside < 500,
    },
    {
      what: "p95 to the first byte, cached, the crowd's own event loop included",
      wanted: 'under 500 ms',
      seen: `${cached.toFixed(0)} ms`,
      isMet: cached < 500,
    },
    {
      what: 'p95 to the first byte, origin',
      wanted: 'under 2 s',
      seen: `${origin.toFixed(0)} ms`,
      isMet: origin < 2000,
    },
    { what: 'errors', wanted: 'under 0.1 %', seen: percent(errorShare), isMet: errorShare < 0.001 },
    { what: 'hits after the first phase', wanted: 'over 80 %', seen: percent(hitShare), isMet: hitShare > 0.8 },
    { what: 'memory added', wanted: 'under 128 MiB', seen: `${addedMib.toFixed(0)} MiB`, isMet: addedMib < 128 },
  ]
}

/** A page of its own, for whoever wants to look at a run later. */
export function reportPage(phases: readonly PhaseResult[], targets: readonly Target[], seed: number): string {
  const row = (cells: readonly string[], tag = 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  const phaseRow = (phase: PhaseResult) =>
    row([
      phase.name,
      String(phase.readers),
      `${phase.seconds} s`,
      String(phase.requests),
      String(phase.errors),
      `${(phase.bytes / 1024 ** 2 / phase.seconds).toFixed(0)} MiB/s`,
      percent(phase.requests === 0 ? 0 : phase.hits / phase.requests),
      ...[phase.beside.firstByteMs, phase.cachedMs, phase.originMs, phase.lateMs].map(
        ({ p50, p95, p99 }) => `${p50.toFixed(1)} / ${p95.toFixed(1)} / ${p99.toFixed(1)}`,
      ),
      `${phase.peakRssMib.toFixed(0)} MiB`,
    ])
  const titles = [
    'phase',
    'readers',
    'time',
    'requests',
    'errors',
    'rate',
    'hits',
    'one beside, ms',
    'cached ms',
    'origin ms',
    'readers late ms',
    'peak RSS',
  ]
  return `<!doctype html><meta charset="utf-8"><title>Readers under load</title>
<style>body{font:14px system-ui;margin:32px;color-scheme:light dark}table{border-collapse:collapse;margin:16px 0}td,th{padding:4px 12px;text-align:right;border-bottom:1px solid #8884}td:first-child,th:first-child{text-align:left}</style>
<h1>Readers under load</h1><p>Seed ${seed}. Times are to the first byte: p50 / p95 / p99. One beside: a reader of 64 KiB ranges with an event loop of its own. The others share one, which was late by the last of the times. Source, server and readers shared one machine.</p>
<table>${row(titles, 'th')}${phases.map(phaseRow).join('')}</table>
<table>${row(['to reach', 'wanted', 'seen', ''], 'th')}${targets.map(({ what, wanted, seen, isMet }) => row([what, wanted, seen, isMet ? 'met' : 'not met'])).join('')}</table>
`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}
