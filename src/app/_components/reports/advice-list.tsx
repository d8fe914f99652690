import type { ReportAdvice } from '../../../server/domain/report/report-advice.ts'

const ABOUT: Record<ReportAdvice['about'], string> = {
  throughput: 'Throughput',
  memory: 'Memory',
  backpressure: 'Backpressure',
  parts: 'Retries',
  failure: 'Failure',
}

/** What probably held the run up and what to turn, likeliest first. Each leads to its explanation further down. */
export function AdviceList({ advice }: { advice: readonly ReportAdvice[] }) {
  if (advice.length === 0)
    return <p className="py-3 text-muted-foreground">Nothing stands out that a setting would mend.</p>
  return (
    <ol>
      {advice.map((one) => (
        <li
          className="grid gap-x-6 gap-y-1 break-inside-avoid border-b py-3 last:border-b-0 sm:grid-cols-[7.5rem_minmax(0,1fr)]"
          key={one.explainedAt}
        >
          <span className="text-muted-foreground">{ABOUT[one.about]}</span>
          <div className="min-w-0 max-w-[44rem] break-words">
            <p>{one.cause}</p>
            <p className="mt-1 text-muted-foreground">
              <WithSettings names={one.settings} text={one.remedy} />{' '}
              <a className="text-link underline underline-offset-4 print:hidden" href={`#${one.explainedAt}`}>
                Why
              </a>
            </p>
          </div>
        </li>
      ))}
    </ol>
  )
}

/** A sentence in which the names of settings are set as code. */
function WithSettings({ text, names }: { text: string; names: readonly string[] }) {
  if (names.length === 0) return text
  const pieces = text.split(new RegExp(`(${names.join('|')})`))
  return pieces.map((piece, index) =>
    names.includes(piece) ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one short text have no other identity.
      <code className="num text-foreground text-xs" key={index}>
        {piece}
      </code>
    ) : (
      piece
    ),
  )
}
