import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { WRITE_TOKEN_KEY } from '../../src/engine/upload/object-store.ts'
import type { Db } from '../../src/server/db/client.ts'
import { MENDED_IN_SETTINGS } from '../../src/server/db/completion.ts'
import type { TransferStatus } from '../../src/server/domain/transfer.ts'
import { isTerminal } from '../../src/server/domain/transfer-state.ts'

/** How long what has to be gone "by then" may take: an upload is swept, sockets close, each within a minute (I3, I6). */
const SETTLE_MS = 60_000

/** A part that was in the ledger before the fault: it must not move again, at either end (I4). */
export interface AcknowledgedPart {
  readonly number: number
  readonly etag: string
  readonly startByte: number
  readonly endByte: number
}

/** The ledger at one moment, as I4 wants it. Take it once the fault has struck and before anything goes on. */
export async function acknowledgedParts(db: Db, transferId: string): Promise<AcknowledgedPart[]> {
  const { partSizeBytes } = await db.transfer.findUniqueOrThrow({ where: { id: transferId } })
  const parts = await db.part.findMany({ where: { transferId }, orderBy: { number: 'asc' } })
  return parts.map(({ number, etag, sizeBytes }) => {
    const startByte = (number - 1) * Number(partSizeBytes)
    return { number, etag, startByte, endByte: startByte + Number(sizeBytes) }
  })
}

/** What was in the ledger at one moment, and what moved after it. */
export type LedgerMoment = Pick<ChaosFacts, 'acknowledged' | 'askedAfter' | 'sentAfter'>

/** What happened to a process while a case ran. */
export interface MeasuredProcess {
  readonly name: string
  /** Resident memory now; asked until it is no more than `rssLimitBytes`. */
  readonly rssBytes: () => number
  /** What it may hold at the end: what it held before any work, and its budgets. */
  readonly rssLimitBytes: number
  /** Open sockets now; asked until there are no more than `socketLimit`. */
  readonly sockets: () => number | Promise<number>
  readonly socketLimit: number
}

/** What somebody who looks at the transfer and at its key sees at one moment. */
export interface SeenMoment {
  readonly status: TransferStatus
  readonly transferredBytes: number
  /** Bytes of parts in the ledger. */
  readonly acknowledgedBytes: number
  readonly sizeBytes: number | null
  /** ETag of the object at the key; null: none. */
  readonly objectEtag: string | null
}

/** What every case is judged by, also one without a transfer (I5, I6). */
export interface ProcessFacts {
  /** What every process of the case wrote, and what must not be in it. */
  readonly logs: string
  readonly canaries: readonly string[]
  readonly processes: readonly MeasuredProcess[]
  /** Requests that are still under way at source and bucket; asked until there are none. */
  readonly openRequests: () => number
  /** How long what has to be gone "by then" may take; left out: a minute. */
  readonly settleMs?: number
}

/** Everything the invariants are judged by. */
export interface ChaosFacts extends ProcessFacts {
  readonly db: Db
  readonly s3: S3Client
  readonly bucket: string
  readonly transferId: string
  /** SHA-256 (hex) of the version of the source that was frozen at the start. */
  readonly sha256: string
  /** What was at the key before (readObject); null: nothing. */
  readonly previous?: { readonly sha256: string; readonly etag: string } | null
  /** What somebody else has put at the key on the way, which is then as good as what was there before. */
  readonly written?: { readonly sha256: string; readonly etag: string } | null
  /** ETag of the new object, where a case has looked at all of it before it was rightly removed again. */
  readonly removedEtag?: string
  /** The state it must have ended in; left out: any terminal one. */
  readonly status?: 'completed' | 'failed' | 'cancelled'
  /** True where the right outcome is a start from the first byte: then parts move again, and progress begins anew. */
  readonly startsOver?: boolean
  /** True where the right outcome is that the whole source is read once more, for a digest; nothing is sent again then. */
  readonly readsAgain?: boolean
  /** True where an engine lost its claims and could not know: what it then sends late is harmless, and only `acknowledged` is judged. */
  readonly hasZombie?: boolean
  readonly acknowledged?: readonly AcknowledgedPart[]
  /** Byte ranges the source was asked for after the fault, `[startByte, endByte)`. */
  readonly askedAfter?: readonly { readonly startByte: number; readonly endByte: number }[]
  /** Numbers of parts that were sent to the bucket after the fault. */
  readonly sentAfter?: readonly number[]
  /** The ledger as it grew, by whoever looked: no part that was seen in it moves any more (watch-transfer.ts). */
  readonly moments: readonly LedgerMoment[]
  /** What a user saw meanwhile (watch-transfer.ts). */
  readonly seen: readonly SeenMoment[]
}

/** The invariants of a case in which no transfer moved: no secret in a log, and nothing held that was not held before. */
export async function assertProcesses(facts: ProcessFacts): Promise<void> {
  const violations = [...secretsStaySecret(facts), ...(await processesComeDown(facts))]
  if (violations.length > 0) throw new Error(`Invariants that do not hold:\n${violations.join('\n')}`)
}

/** Fails with every invariant of reliability.md section 5 that does not hold; each line names its number. */
export async function assertInvariants(facts: ChaosFacts): Promise<void> {
  const violations = await findViolations(facts)
  if (violations.length > 0) throw new Error(`Invariants that do not hold:\n${violations.join('\n')}`)
}

/** The same as sentences, for runs that go on. Waits for what may take a moment after the end. */
export async function findViolations(facts: ChaosFacts): Promise<string[]> {
  const found = await Promise.all([
    objectIsWhole(facts),
    endsOnce(facts),
    nothingIsLeftOpen(facts),
    movedTwice(facts),
    facts.hasZombie ? [] : Promise.all(facts.moments.map((moment) => movedTwice({ ...facts, ...moment }))),
    secretsStaySecret(facts),
    processesComeDown(facts),
    progressIsTrue(facts),
  ])
  return [...new Set(found.flat(2))]
}

/** I1: the key shows the old object or nothing, or the whole new one, at the end and at every moment somebody looked. */
async function objectIsWhole(facts: ChaosFacts) {
  const { db, s3, bucket, transferId, sha256, previous = null, written = null, seen, removedEtag } = facts
  const { key, status, writeToken } = await db.transfer.findUniqueOrThrow({ where: { id: transferId } })
  const found = await readObject(s3, bucket, key)
  const actual = found?.sha256 ?? null
  const problems: string[] = []
  if (status === 'completed' && actual !== sha256)
    problems.push(`I1: it is completed, but the object at ${key} is ${actual ?? 'missing'} instead of ${sha256}.`)
  const isOld = actual === (previous?.sha256 ?? null) || (written !== null && actual === written.sha256)
  if (status !== 'completed' && !isOld && actual !== sha256)
    problems.push(`I1: the object at ${key} is ${actual ?? 'missing'}: neither what was there before nor the new one.`)
  const known = new Set([null, previous?.etag, written?.etag, found?.etag, removedEtag])
  for (const etag of new Set(seen.map((moment) => moment.objectEtag)))
    if (!known.has(etag)) problems.push(`I1: the key showed another object on the way: ${etag}.`)
  const first = previous ? 0 : seen.findIndex(({ objectEtag: etag }) => etag !== null && etag !== removedEtag)
  if (first >= 0 && seen.slice(first).some((moment) => moment.objectEtag === null))
    problems.push('I1: what was at the key was gone for a while.')
  // A store may lose metadata (GCS); a token that is there must be ours.
  if (status === 'completed' && found?.token !== undefined && writeToken !== null && found.token !== writeToken)
    problems.push('I2: it is completed, but the object carries the write token of somebody else.')
  return problems
}

/** I2: one terminal state, said once, and nothing left that could still move. */
async function endsOnce({ db, transferId, status: wanted }: ChaosFacts): Promise<string[]> {
  const row = await db.transfer.findUniqueOrThrow({ where: { id: transferId }, include: { claims: true } })
  const events = await db.event.findMany({ where: { transferId }, orderBy: { id: 'asc' } })
  const problems: string[] = []
  if (!isTerminal(row.status)) problems.push(`I2: it is ${row.status}, which is no end.`)
  if (wanted && row.status !== wanted)
    problems.push(`I2: it ended ${row.status} instead of ${wanted}: ${JSON.stringify(row.failure)}.`)
  const last = events.map((event) => event.code).lastIndexOf('retried')
  const ends = events.slice(last + 1).filter(({ code }) => code === 'completed' || code === 'cancelled')
  if (ends.length > 1) problems.push(`I2: its end was said ${ends.length} times: ${ends.map((one) => one.code)}.`)
  if (row.status === 'completed' && row.claims.length > 0)
    problems.push(`I2: it is completed, and ${row.claims.length} claims are left.`)
  if (row.status === 'completed' && row.partsTotal !== null && row.partsDone !== row.partsTotal)
    problems.push(`I2: it is completed with ${row.partsDone} of ${row.partsTotal} parts.`)
  return problems
}

/** I3: no upload of ours stays open, but the one a failed transfer keeps for a retry. */
async function nothingIsLeftOpen({ db, s3, bucket, transferId, settleMs }: ChaosFacts): Promise<string[]> {
  const open = async () => {
    const row = await db.transfer.findUniqueOrThrow({ where: { id: transferId } })
    const uploads = await uploadsOf(s3, bucket, row.key)
    const failure = row.failure as { retry?: string; code?: string } | null
    const mayGoOn = failure?.retry !== 'never' || MENDED_IN_SETTINGS.some((code) => code === failure.code)
    const isKept = row.status === 'failed' && mayGoOn
    return uploads.filter((uploadId) => !(isKept && uploadId === row.uploadId))
  }
  const left = await lasting(settleMs, open, (uploads) => uploads.length === 0)
  return left.length === 0 ? [] : [`I3: uploads are still open: ${left.join(', ')}.`]
}

/** I4: what was acknowledged before the fault was neither read nor sent again. */
export async function movedTwice(facts: ChaosFacts): Promise<string[]> {
  const {
    db,
    transferId,
    acknowledged = [],
    askedAfter = [],
    sentAfter = [],
    startsOver = false,
    readsAgain = false,
  } = facts
  if (startsOver || acknowledged.length === 0) return []
  const problems: string[] = []
  const ledger = new Map(
    (await db.part.findMany({ where: { transferId } })).map((part) => [part.number, part.etag] as const),
  )
  const { status } = await db.transfer.findUniqueOrThrow({ where: { id: transferId } })
  for (const part of acknowledged) {
    if (status === 'completed' && ledger.get(part.number) !== part.etag)
      problems.push(`I4: part ${part.number} was acknowledged, and its row is another one or gone.`)
    const again = askedAfter.filter(({ startByte, endByte }) => startByte < part.endByte && endByte > part.startByte)
    // The probe asks for the first byte of the file.
    const read = again.filter(({ startByte, endByte }) => !(startByte === 0 && endByte === 1))
    if (read.length > 0 && !readsAgain)
      problems.push(`I4: part ${part.number} was acknowledged, and read again: ${JSON.stringify(read)}.`)
    if (sentAfter.includes(part.number)) problems.push(`I4: part ${part.number} was acknowledged, and sent again.`)
  }
  return problems
}

/** I5: no secret in what was written. */
function secretsStaySecret({ logs, canaries }: ProcessFacts): string[] {
  return canaries.filter((canary) => logs.includes(canary)).map((canary) => `I5: a log has the secret ${canary}.`)
}

/** I6: memory and sockets come back to where they were, and nothing is still on its way. */
async function processesComeDown({ processes, openRequests, settleMs }: ProcessFacts): Promise<string[]> {
  const problems: string[] = []
  const isNone = (count: number) => count === 0
  const left = await lasting(settleMs, async () => openRequests(), isNone)
  if (!isNone(left)) problems.push(`I6: ${left} requests to source or bucket are still open.`)
  for (const { name, rssBytes, rssLimitBytes, sockets, socketLimit } of processes) {
    const held = await lasting(
      settleMs,
      async () => rssBytes(),
      (bytes) => bytes <= rssLimitBytes,
    )
    if (held > rssLimitBytes) problems.push(`I6: ${name} holds ${held} bytes, more than ${rssLimitBytes}.`)
    const open = await lasting(
      settleMs,
      async () => sockets(),
      (count) => count <= socketLimit,
    )
    if (open > socketLimit) problems.push(`I6: ${name} has ${open} sockets open, more than ${socketLimit}.`)
  }
  return problems
}

/** I7: progress steps back by what was not acknowledged at most, and "done" is never said before it is so. */
function progressIsTrue({ seen, startsOver = false }: ChaosFacts): string[] {
  const problems: string[] = []
  let before: SeenMoment | null = null
  for (const moment of seen) {
    const { transferredBytes, acknowledgedBytes, sizeBytes, status, objectEtag } = moment
    // With the upload its parts are gone, and nothing is shown as done any more.
    const isGone = status === 'cancelled' || status === 'failed'
    if (before && !startsOver && !isGone && transferredBytes < before.acknowledgedBytes)
      problems.push(`I7: progress fell from ${before.acknowledgedBytes} acknowledged bytes to ${transferredBytes}.`)
    if (before && !startsOver && !isGone && acknowledgedBytes < before.acknowledgedBytes)
      problems.push(`I7: acknowledged bytes fell from ${before.acknowledgedBytes} to ${acknowledgedBytes}.`)
    if (sizeBytes !== null && transferredBytes > sizeBytes)
      problems.push(`I7: ${transferredBytes} of ${sizeBytes} bytes are shown as done.`)
    if (status === 'completed' && objectEtag === null)
      problems.push('I7: it was shown as completed before there was an object.')
    before = moment
  }
  return problems
}

/** Asks until the answer is as wanted, or time is up; returns the last answer. */
async function lasting<T>(settleMs = SETTLE_MS, ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + settleMs
  for (;;) {
    const answer = await ask()
    if (isGood(answer) || performance.now() > end) return answer
    await delay(200)
  }
}

/** An object's digest, ETag and token, read whole; null where there is none. */
export async function readObject(s3: S3Client, bucket: string, key: string) {
  try {
    const { Body, ETag, Metadata } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    const hash = createHash('sha256')
    for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
    return { sha256: hash.digest('hex'), etag: ETag ?? '', token: Metadata?.[WRITE_TOKEN_KEY] }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** The ETag of the object at a key, or null. */
export async function objectEtag(s3: S3Client, bucket: string, key: string): Promise<string | null> {
  try {
    return (await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))).ETag ?? ''
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Ids of the multipart uploads that are open at exactly this key. */
async function uploadsOf(s3: S3Client, bucket: string, key: string): Promise<string[]> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }))
  return Uploads.flatMap((upload) => (upload.Key === key && upload.UploadId ? [upload.UploadId] : []))
}

function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404
}
