import { setTimeout as delay } from 'node:timers/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import type { Db } from '../../src/server/db/client.ts'
import { getTransfer } from '../../src/server/db/transfers.ts'
import { objectEtag, type SeenMoment } from './invariants.ts'
import type { LedgerMoments } from './ledger-moments.ts'

const EVERY_MS = 100

/** Looks at a transfer and its key, without the help of what is under test, until it is stopped. */
export interface TransferWatch {
  readonly seen: readonly SeenMoment[]
  /** Takes a last look and ends. */
  stop(): Promise<readonly SeenMoment[]>
}

/** Starts to look ten times a second or so. A store or database that is away is looked at again later. */
export function watchTransfer(at: {
  readonly db: Db
  readonly s3: S3Client
  readonly bucket: string
  readonly transferId: string
  /** Is told to look too, each time. */
  readonly moments?: LedgerMoments
}): TransferWatch {
  const seen: SeenMoment[] = []
  let isStopped = false
  const look = async () => {
    const transfer = await getTransfer(at.db, at.transferId)
    // After the parts, which go together with the end of a cancelled one; before the object, without which "completed" is a lie.
    const { status } = await at.db.transfer.findUniqueOrThrow({
      where: { id: at.transferId },
      select: { status: true },
    })
    seen.push({
      status,
      transferredBytes: transfer.transferredBytes,
      acknowledgedBytes: transfer.parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      sizeBytes: transfer.sizeBytes,
      objectEtag: await objectEtag(at.s3, at.bucket, transfer.key),
    })
    await at.moments?.take()
  }
  const looking = (async () => {
    while (!isStopped) {
      await look().catch(() => {})
      await delay(EVERY_MS)
    }
  })()
  return {
    seen,
    async stop() {
      isStopped = true
      await looking
      await look()
      return seen
    },
  }
}
