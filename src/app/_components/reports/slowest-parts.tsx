import type { PartView } from '../../../server/domain/transfer.ts'
import { Quantity, Rate } from '../ui/quantity.tsx'
import { Section } from '../ui/section.tsx'
import { Millis } from './report-figures.tsx'

/** The parts that took longest; where all are shown, they are all. */
export function SlowestParts(props: {
  parts: readonly PartView[]
  shown: number
  engineNames: ReadonlyMap<string, string>
}) {
  const { parts, engineNames } = props
  const several = engineNames.size > 1
  return (
    <Section
      aside={parts.length < props.shown ? `${parts.length} of ${props.shown.toLocaleString('en-US')}` : undefined}
      className="min-w-0 break-inside-avoid"
      title="Slowest parts"
    >
      <table className="w-full text-right">
        <thead className="text-muted-foreground text-xs">
          <tr className="[&>th]:h-7 [&>th]:font-normal">
            <th className="text-left" scope="col">
              Part
            </th>
            <th scope="col">Took</th>
            <th scope="col">Rate</th>
            <th scope="col">Again</th>
            {several && <th scope="col">Engine</th>}
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => {
            const ms = part.finishedAt.getTime() - part.startedAt.getTime()
            return (
              <tr className="border-t [&>*]:h-7 [&>*]:font-normal" key={part.number}>
                <th className="text-left" scope="row">
                  <Quantity value={part.number} />
                </th>
                <td>
                  <Millis ms={ms} />
                </td>
                <td>
                  <Rate bytesPerSecond={ms > 0 ? (part.sizeBytes * 1000) / ms : null} />
                </td>
                <td>
                  <Quantity value={part.retries} />
                </td>
                {several && <td className="max-w-24 truncate pl-2">{engineNames.get(part.engineId ?? '') ?? '–'}</td>}
              </tr>
            )
          })}
        </tbody>
      </table>
    </Section>
  )
}
