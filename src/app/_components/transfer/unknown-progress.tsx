import { formatBytes, GIB } from '../../../server/domain/bytes.ts'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { MAX_PARTS } from '../../../server/domain/transfer-input.ts'
import styles from './unknown-progress.module.css'

/** In place of the map while there is no plan, or no length: a bar without an end, and what is known. */
export function UnknownProgress({ transfer }: { transfer: TransferView }) {
  const moves = transfer.status === 'running'
  const capBytes = transfer.partSizeBytes === null ? null : transfer.partSizeBytes * MAX_PARTS
  return (
    <div>
      <div
        aria-label="Progress; the size is not known"
        aria-valuemax={100}
        aria-valuemin={0}
        className="h-7 overflow-hidden rounded-xs bg-track"
        role="progressbar"
      >
        {moves && <div className={styles.stripes} />}
      </div>
      <p className="num mt-2 text-muted-foreground text-xs leading-5">
        {capBytes === null && transfer.transferredBytes === 0 ? (
          'The parts are planned when the source has answered.'
        ) : (
          <>
            {transfer.partsDone.toLocaleString('en-US')} {transfer.partsDone === 1 ? 'part' : 'parts'} done ·{' '}
            {formatBytes(transfer.transferredBytes)} so far
            {transfer.bufferedBytes > 0 && ` · ${formatBytes(transfer.bufferedBytes)} on the way`}
            {capBytes !== null &&
              ` · room for ${formatBytes(capBytes)}${capBytes > 100 * GIB ? '' : ' at this part size'}`}
          </>
        )}
      </p>
    </div>
  )
}
