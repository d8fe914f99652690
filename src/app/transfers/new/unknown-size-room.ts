import { formatBytes, MIB } from '../../../server/domain/bytes.ts'
import { MAX_PARTS } from '../../../server/domain/transfer-input.ts'

/** What the engine plans where a source does not tell the length and nobody chose a part size. */
const DEFAULT_PART_BYTES = 64 * MIB
/** Parts are whole slices, and at least 6 MiB where there is more than one. */
const PART_STEP_BYTES = 2 * MIB
const SMALLEST_PART_BYTES = 6 * MIB

/** How large a file of unknown length may become: 10,000 parts. `wantedPartSizeBytes` is null where Sluice chooses. */
export function unknownSizeRoom(wantedPartSizeBytes: number | null): string {
  const partBytes =
    wantedPartSizeBytes === null
      ? DEFAULT_PART_BYTES
      : Math.max(SMALLEST_PART_BYTES, Math.ceil(wantedPartSizeBytes / PART_STEP_BYTES) * PART_STEP_BYTES)
  const room = `Up to ${formatBytes(partBytes * MAX_PARTS)} will fit, in 10,000 parts of ${formatBytes(partBytes)}.`
  return wantedPartSizeBytes === null ? `${room} A larger part size under Options makes room for more.` : room
}
