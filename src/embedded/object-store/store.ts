import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../server/config/env.ts'
import { BlobFiles } from './blob-files.ts'
import { Catalog } from './catalog.ts'
import { S3Error } from './s3-error.ts'
import { UploadCatalog } from './upload-catalog.ts'

/** Everything the store keeps on disk: `catalog.sqlite` says what there is, `blobs/` holds the bytes. */
export interface Store {
  readonly catalog: Catalog
  readonly uploads: UploadCatalog
  readonly blobs: BlobFiles
  /** How many files of a crash were removed at the start. */
  readonly sweptFiles: number
}

/** Opens the folder, making it where needed, and sweeps what a crash left. Throws ConfigError where it cannot be used. */
export function openStore(dir: string): Store {
  let catalog: Catalog
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    catalog = new Catalog(join(dir, 'catalog.sqlite'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (/locked|busy/i.test(reason))
      throw new ConfigError(
        `The object store in ${dir} is in use by another process. Stop the other \`npm start\` first.`,
      )
    throw new ConfigError(
      `The object store in ${dir} cannot be opened (${reason}). Check the folder's owner and free space.`,
    )
  }
  // The catalog's lock is held from here on, so that the sweep cannot touch files of another running store.
  const uploads = new UploadCatalog(catalog)
  uploads.forgetOldCompleted()
  const blobs = new BlobFiles(dir)
  return { catalog, uploads, blobs, sweptFiles: blobs.sweep(catalog.blobIds()) }
}

/** Throws NoSuchBucket. */
export function requireBucket(store: Store, bucket: string): void {
  if (!store.catalog.hasBucket(bucket))
    throw new S3Error('NoSuchBucket', 'The specified bucket does not exist', { details: { BucketName: bucket } })
}

/** Throws InvalidBucketName unless S3's rules hold: 3 to 63 of a-z, 0-9, dot and hyphen, no IPv4 address. */
export function checkBucketName(name: string): void {
  const valid =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+\.\d+\.\d+\.\d+$/.test(name)
  if (!valid)
    throw new S3Error(
      'InvalidBucketName',
      'A bucket name has 3 to 63 lower-case letters, digits, dots and hyphens, and begins and ends with a letter or digit.',
      { details: { BucketName: name } },
    )
}
