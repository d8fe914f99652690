import type { TransferView } from '../../../server/domain/transfer.ts'
import { doneOfSize, percentOf } from '../transfers/row-words.ts'
import { ProgressBar } from '../ui/progress-bar.tsx'
import { Duration, Quantity, Rate } from '../ui/quantity.tsx'
import { readAgainFraction, rereadOf } from './transfer-summary.ts'

/** While the source is read again, or the object back: what for, how far that is, and what it means for whoever waits. Nothing else moves then. */
export function ReadingAgain({ transfer }: { transfer: TransferView }) {
  const reread = rereadOf(transfer)
  const fraction = readAgainFraction(transfer)
  if (!reread || fraction === null) return null
  const { title, note } = reread
  const size = doneOfSize(reread.readBytes, transfer.sizeBytes)
  return (
    <section aria-label={title} className="grid gap-2 rounded-md border px-3 py-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1">
        <h2 className="font-medium">{title}</h2>
        <p className="flex flex-wrap gap-x-4">
          <Quantity unit="%" value={percentOf(fraction)} />
          <Quantity unit={size.unit} value={size.value} />
          <Rate bytesPerSecond={transfer.bytesPerSecond ?? 0} />
          {transfer.etaSeconds !== null && (
            <span>
              <Duration seconds={transfer.etaSeconds} /> <span className="text-dim">left</span>
            </span>
          )}
        </p>
      </div>
      <ProgressBar className="w-full" fraction={fraction} label={title} segments={40} status="verifying" />
      <p className="text-muted-foreground text-xs leading-5">{note}</p>
    </section>
  )
}
