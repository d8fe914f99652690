import type { TransferView } from '../../../server/domain/transfer.ts'
import { readAgainFraction, rereadOf } from '../transfer/transfer-summary.ts'
import { cn } from '../ui/cn.ts'
import { ProgressBar } from '../ui/progress-bar.tsx'
import { Duration, Quantity, Rate } from '../ui/quantity.tsx'
import { STATUS_WORDS } from '../ui/transfer-status.tsx'
import { doneOfSize, percentOf, progressOf } from './row-words.ts'

/** Bar, percent, done of size, speed and time left, each in a column of fixed width. */
export function RowProgress({ transfer, className }: { transfer: TransferView; className?: string }) {
  if (readAgainFraction(transfer) !== null && !transfer.cancelling)
    return <RowReadingAgain className={className} transfer={transfer} />
  const fraction = progressOf(transfer)
  const size = doneOfSize(transfer.transferredBytes, transfer.sizeBytes)
  const moves = transfer.status === 'running' && !transfer.cancelling
  return (
    <div className={cn('flex items-center gap-3', className)}>
      <ProgressBar
        fraction={fraction}
        status={transfer.status}
        label={`Progress of ${transfer.name}`}
        className="w-16 max-md:w-auto max-md:min-w-12 max-md:flex-1"
      />
      <Quantity value={fraction === null ? null : percentOf(fraction)} unit="%" className="w-11 shrink-0 text-right" />
      {moves || transfer.status === 'verifying' ? (
        <>
          <Quantity value={size.value} unit={size.unit} className="hidden w-32 shrink-0 text-right @4xl:block" />
          {moves ? (
            <>
              <Rate bytesPerSecond={transfer.bytesPerSecond} className="w-24 shrink-0 text-right" />
              <Duration seconds={transfer.etaSeconds} className="hidden w-20 shrink-0 text-right @5xl:block" />
            </>
          ) : (
            <span className="w-24 shrink-0 text-right text-muted-foreground">verifying</span>
          )}
        </>
      ) : (
        <>
          <Quantity value={size.value} unit={size.unit} className="hidden w-32 shrink-0 text-right @4xl:block" />
          <span className="text-muted-foreground">
            {transfer.cancelling ? 'cancelling' : STATUS_WORDS[transfer.status].toLowerCase()}
          </span>
        </>
      )}
    </div>
  )
}

/** The same columns for a second read, of the source or of the object: what it is for stands where done of size stood. */
function RowReadingAgain({ transfer, className }: { transfer: TransferView; className?: string | undefined }) {
  const fraction = readAgainFraction(transfer)
  const { title, doing } = rereadOf(transfer) ?? { title: '', doing: '' }
  return (
    <div className={cn('flex items-center gap-3', className)} title={title}>
      <ProgressBar
        className="w-16 max-md:w-auto max-md:min-w-12 max-md:flex-1"
        fraction={fraction}
        label={`${title}: ${transfer.name}`}
        status="verifying"
      />
      <Quantity value={percentOf(fraction)} unit="%" className="w-11 shrink-0 text-right" />
      <span className="w-32 shrink-0 text-right text-muted-foreground">{doing}</span>
      <Rate bytesPerSecond={transfer.bytesPerSecond} className="hidden w-24 shrink-0 text-right @4xl:block" />
      <Duration seconds={transfer.etaSeconds} className="hidden w-20 shrink-0 text-right @5xl:block" />
    </div>
  )
}
