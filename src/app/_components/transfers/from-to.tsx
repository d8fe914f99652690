import type { TransferView } from '../../../server/domain/transfer.ts'
import { cn } from '../ui/cn.ts'
import { folderOf } from './row-words.ts'

/** From which host into which bucket and folder, in one line. Where there is no room, the host is cut before the bucket is. */
export function FromTo({ transfer, className }: { transfer: TransferView; className?: string }) {
  return (
    <p
      className={cn('flex min-w-0 gap-[0.5ch] text-muted-foreground', className)}
      title={`${transfer.sourceUrl} → ${transfer.bucketName}/${transfer.key}`}
    >
      <span className="min-w-8 truncate">{transfer.sourceHost}</span>
      <span className="shrink-0 text-dim">→</span>
      <span className="max-w-[75%] shrink-0 truncate">{folderOf(transfer)}</span>
    </p>
  )
}
