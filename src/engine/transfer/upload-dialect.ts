import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { type BucketCapabilities, type UploadDialect, uploadDialectSchema } from '../../server/domain/bucket.ts'

const savedSchema = uploadDialectSchema.nullable().catch(null)

/** What the upload of a transfer was started with; null where there is none, or one of an older version, which said nothing. */
export function savedDialect(row: Pick<TransferRow, 'uploadDialect'>): UploadDialect | null {
  return savedSchema.parse(row.uploadDialect)
}

/** How an upload is sent that is started now. */
export function dialectOfUpload(capabilities: BucketCapabilities): UploadDialect {
  return uploadDialectSchema.parse(capabilities)
}

/** Whether an upload in this dialect is sent just as one that is started now. */
export function isSpokenNow(dialect: UploadDialect, capabilities: BucketCapabilities): boolean {
  const now = dialectOfUpload(capabilities)
  return (Object.keys(now) as (keyof UploadDialect)[]).every((name) => dialect[name] === now[name])
}
