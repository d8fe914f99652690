import type { TransferView } from '../../../server/domain/transfer.ts'
import { cn } from '../ui/cn.ts'
import { Bytes, Duration } from '../ui/quantity.tsx'
import { proofWords, tookSeconds } from './row-words.ts'

/** What a finished transfer came to, in one line: size, time, what proves it, and what to look at. */
export function CompletedStory({ transfer, className }: { transfer: TransferView; className?: string }) {
  const skipped = transfer.warnings.find((warning) => warning.code === 'skipped_existing')
  const [warning] = transfer.warnings
  const proof = proofWords(transfer.verification)
  const mismatch = transfer.verification?.verdict === 'mismatch'
  if (skipped) return <p className={cn('truncate text-muted-foreground', className)}>{skipped.message}</p>
  return (
    <p className={cn('truncate text-muted-foreground', className)}>
      <Bytes bytes={transfer.sizeBytes} />
      {tookSeconds(transfer) !== null && (
        <>
          {' in '}
          <Duration seconds={tookSeconds(transfer)} />
        </>
      )}
      {proof && <span className={cn(mismatch && 'text-destructive')}>{` · ${proof}`}</span>}
      {warning && (
        <span className="text-warning" title={transfer.warnings.map(({ message }) => message).join('\n')}>
          {` · ${warning.message}`}
        </span>
      )}
    </p>
  )
}
