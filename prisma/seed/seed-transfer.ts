import { GIB, MIB } from '../../src/server/domain/bytes.ts'
import type { Failure, Warning } from '../../src/server/domain/failure.ts'
import type { TransferStatus } from '../../src/server/domain/transfer.ts'

const MINUTE = 60

/** A transfer of a scenario, in the terms that matter for how pages look. */
export interface SeedTransfer {
  status: TransferStatus
  sourceUrl: string
  bucket: string
  key: string
  sizeBytes: number | null
  /** 0 to 1. */
  progress: number
  /** Typical rate while it ran, or runs. */
  bytesPerSecond: number
  createdSecondsAgo: number
  failure?: Failure
  warnings?: Warning[]
  startInSeconds?: number
}

/** One failure of each kind that people meet. */
export const FAILED: SeedTransfer[] = [
  fail(
    'https://media.example.com/dailies/show-0412.mov',
    'media',
    'dailies/show-0412.mov',
    41 * GIB,
    0.63,
    12 * MINUTE,
    {
      code: 'source_changed',
      message:
        'The file changed while it was read: its ETag was "9f2c-61a" and is now "9f2c-61b". A retry starts over with the new version.',
      retry: 'now',
    },
  ),
  fail(
    'https://static.example.edu/archive/climate-reanalysis-1979-2025.nc',
    'lake',
    'climate/reanalysis-1979-2025.nc',
    null,
    0,
    26 * MINUTE,
    {
      code: 'source_not_found',
      message: 'The source answered 404 Not Found. Check the link; the file may have been moved or renamed.',
      retry: 'never',
    },
  ),
  fail(
    'https://storage.example.io/exports/orders.parquet?sig=…',
    'lake',
    'exports/orders.parquet',
    88 * GIB,
    0.12,
    55 * MINUTE,
    {
      code: 'source_forbidden',
      message:
        'The source answered 403 Forbidden. The signed link has probably expired; create the transfer again with a fresh one.',
      retry: 'never',
    },
  ),
  fail(
    'https://backup.example.net/pg/base-2026-11-20.tar.gz',
    'cold',
    'pg/base-2026-11-20.tar.gz',
    310 * GIB,
    0.91,
    70 * MINUTE,
    {
      code: 'bucket_slow_down',
      message:
        'The bucket asked us to slow down 8 times in a row (503 SlowDown). Its parts are kept; a retry goes on from part 846.',
      retry: 'later',
    },
  ),
  fail('http://10.4.0.12/share/scan.raw', 'media', 'scan.raw', null, 0, 90 * MINUTE, {
    code: 'address_refused',
    message:
      '10.4.0.12 is a private address, which sources may not have. Allow it with SLUICE_ALLOWED_PRIVATE_NETWORKS=10.4.0.0/16.',
    retry: 'never',
  }),
]

/** A transfer that runs; scenarios change what they need. */
export function run(
  sourceUrl: string,
  bucket: string,
  key: string,
  sizeBytes: number | null,
  progress: number,
  bytesPerSecond: number,
  createdSecondsAgo: number,
): SeedTransfer {
  return {
    status: 'running',
    sourceUrl,
    bucket,
    key,
    sizeBytes: sizeBytes === null ? null : Math.round(sizeBytes),
    progress,
    bytesPerSecond,
    createdSecondsAgo,
  }
}

function fail(
  sourceUrl: string,
  bucket: string,
  key: string,
  sizeBytes: number | null,
  progress: number,
  createdSecondsAgo: number,
  failure: Failure,
): SeedTransfer {
  return {
    ...run(sourceUrl, bucket, key, sizeBytes, progress, 180 * MIB, createdSecondsAgo),
    status: 'failed',
    failure,
  }
}
