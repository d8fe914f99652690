import type { Sample } from '../../../server/domain/sample.ts'
import { formatElapsed } from '../charts/chart-domain.ts'
import { Bytes, Quantity, Rate } from '../ui/quantity.tsx'
import { coarserSamples } from './coarser-samples.ts'

const MOST_ROWS = 24

/** The curve as a table, for those who do not see it and those who want the numbers; in fewer and longer steps. */
export function SamplesTable({ samples, stepMs }: { samples: readonly Sample[]; stepMs: number }) {
  const { rows, rowMs } = coarserSamples(samples, stepMs, MOST_ROWS)
  return (
    <details className="mt-2 print:hidden">
      <summary className="inline-block text-muted-foreground text-xs hover:text-foreground">
        The curve as a table
      </summary>
      <div className="overflow-x-auto">
        <table className="mt-2 w-full min-w-[34rem] text-right">
          <thead className="text-muted-foreground text-xs">
            <tr className="border-b [&>th]:h-7 [&>th]:font-normal">
              <th className="text-left" scope="col">
                After
              </th>
              <th scope="col">Source</th>
              <th scope="col">Bucket</th>
              <th scope="col">Held</th>
              <th scope="col">Read lanes</th>
              <th scope="col">Upload lanes</th>
              <th scope="col">Retries</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr className="border-b last:border-b-0 [&>*]:h-7 [&>*]:font-normal" key={row.atMs}>
                <th className="num text-left" scope="row">
                  {formatElapsed(row.atMs)}
                </th>
                <td>
                  <Rate bytesPerSecond={(row.sourceBytes * 1000) / rowMs} />
                </td>
                <td>
                  <Rate bytesPerSecond={(row.bucketBytes * 1000) / rowMs} />
                </td>
                <td>
                  <Bytes bytes={row.bufferedBytes} />
                </td>
                <td>
                  <Quantity value={row.readLanes} />
                </td>
                <td>
                  <Quantity value={row.uploadLanes} />
                </td>
                <td>
                  <Quantity value={row.retries} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
