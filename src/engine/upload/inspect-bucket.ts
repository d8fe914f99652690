import type { BucketCapabilities, BucketConnection } from '../../server/domain/bucket.ts'
import { TransferError, type Warning } from '../../server/domain/failure.ts'
import type { BucketAnswer } from '../../server/domain/inspection.ts'
import { type BucketTrials, createBucketTrials, TRIAL_BYTES, type UploadChecksum } from './bucket-trials.ts'
import { createS3Clients, type S3ClientOptions } from './s3-clients.ts'

/** Trials end in time for the clean-up, and both before INSPECTION_TIMEOUT_MS. */
const TRIALS_TIMEOUT_MS = 10_000
const CLEAN_UP_SHARE = 0.2

type Check = BucketAnswer['checks'][number]
const check = (name: string, passed: boolean, whenPassed: string, otherwise: string): Check => ({
  name,
  passed,
  message: passed ? whenPassed : otherwise,
})

/**
 * Finds out whether a bucket works and what its store supports, by doing it: writes a small object and two small multipart
 * uploads under random keys that begin with `prefix`, sends wrong checksums to see them refused, and removes what it made.
 * Takes 12 s at most. Throws TransferError where nothing can be stored there: keys, bucket, endpoint, permission.
 */
export async function inspectBucket(
  connection: BucketConnection,
  deps: S3ClientOptions & { readonly prefix?: string; readonly timeoutMs?: number },
  signal: AbortSignal,
): Promise<BucketAnswer> {
  const timeoutMs = deps.timeoutMs ?? TRIALS_TIMEOUT_MS
  const clients = createS3Clients(connection, {
    ...deps,
    idleTimeoutMs: Math.min(deps.idleTimeoutMs, timeoutMs),
  })
  const deadline = AbortSignal.timeout(timeoutMs)
  const trials = createBucketTrials(connection, clients, deps.prefix ?? '', AbortSignal.any([signal, deadline]))
  let hasCleanedUp = false
  const cleanUp = async () => {
    hasCleanedUp = true
    return trials.cleanUp(AbortSignal.timeout(timeoutMs * CLEAN_UP_SHARE))
  }
  try {
    const checks: Check[] = [await tryAccess(trials), ...(await tryObject(trials))]
    const [multipart, wrong, conditional] = await Promise.all([
      tryMultipart(trials),
      tryWrongComplete(trials),
      tryConditional(trials),
    ])
    // An upload with a checksum of the whole object needs one on every part, also on those that are streamed.
    const fullObject = multipart.keepsFullObject && wrong.checksumRefused && multipart.trailers
    const composite = !fullObject && multipart.keepsComposite && multipart.headers && multipart.trailers
    const headers = multipart.headers && (fullObject || composite || conditional.takesHeaderAnyway)
    const checksums = { headers, trailers: multipart.trailers, fullObject, composite }
    checks.push(...multipart.checks, ...checksumChecks(checksums), ...conditional.checks)
    const isClean = await cleanUp()
    checks.push(
      check(
        'Remove',
        isClean,
        'What the test wrote could be removed.',
        `The keys may not delete objects, so ${trials.key} and its like stay in the bucket. Sluice deletes nothing but what it wrote itself; remove them by hand.`,
      ),
    )
    const capabilities: BucketCapabilities = {
      checksumHeaders: checksums.headers,
      checksumTrailers: checksums.trailers,
      fullObjectChecksum: checksums.fullObject,
      conditionalWrites: conditional.isHonoured,
      metadata: checks.some((each) => each.name === 'Metadata' && each.passed),
      repeatedComplete: multipart.takesCompleteTwice,
      objectSizeAtComplete: wrong.sizeRefused,
      listsUploads: conditional.listsUploads,
      aborts: checks.some((each) => each.name === 'Abort' && each.passed),
      compositeChecksum: composite,
      replacesIfMatch: conditional.replacesIfMatch,
      removesIfMatch: conditional.removesIfMatch,
    }
    return { checks, capabilities, warnings: warningsFor(connection, capabilities) }
  } catch (error) {
    signal.throwIfAborted()
    if (deadline.aborted)
      throw new TransferError(
        'bucket_unreachable',
        `${new URL(connection.endpoint).host} answers too slowly: the test was not through after ${timeoutMs / 1000} s. Try again, and check the network.`,
        { retry: 'now', cause: error },
      )
    throw error
  } finally {
    if (!hasCleanedUp) await cleanUp()
    clients.close()
  }
}

/** Wrong keys and unknown buckets are told apart best by a listing, whose refusal has a body. */
async function tryAccess(trials: BucketTrials): Promise<Check> {
  const { refusal } = await trials.list()
  // Keys that may not list can still write; every other refusal is final.
  const s3Code = refusal?.facts.s3Code ?? null
  const isDenied = refusal?.code === 'bucket_unauthorized' && (s3Code === null || s3Code === 'AccessDenied')
  if (refusal && !isDenied) throw refusal
  return check(
    'Access',
    refusal === null,
    'The bucket is there and the keys open it.',
    'The keys may not list the bucket. Sluice can do without; whether they may write shows below.',
  )
}

async function tryObject(trials: BucketTrials): Promise<Check[]> {
  const { refusal } = await trials.put()
  if (refusal) throw refusal
  const head = await trials.head(trials.key, false)
  if (head.refusal) throw head.refusal
  return [
    check(
      'Write and read',
      head.result.sizeBytes === TRIAL_BYTES,
      'A small object could be written and is there.',
      `A small object of ${TRIAL_BYTES} bytes was written, and the store says it has ${head.result.sizeBytes ?? 'none'}.`,
    ),
    check(
      'Metadata',
      head.result.isOurs,
      'Metadata is kept, so that a finished upload is recognised after a lost answer.',
      'Metadata is dropped: after a lost answer Sluice recognises its upload by size and checksum only.',
    ),
  ]
}

interface Multipart {
  readonly checks: Check[]
  readonly headers: boolean
  readonly trailers: boolean
  readonly keepsFullObject: boolean
  readonly keepsComposite: boolean
  readonly takesCompleteTwice: boolean
}

/** An upload with the most of a checksum that the store does not refuse. */
async function createUpload(trials: BucketTrials, key: string, from: readonly UploadChecksum[]) {
  let created = await trials.create(key, from[0] ?? 'none')
  let [checksum = 'none'] = from
  for (const next of from.slice(1)) {
    if (!created.refusal) break
    checksum = next
    created = await trials.create(key, next)
  }
  if (created.refusal) throw created.refusal
  return { uploadId: created.result, checksum }
}

/** One multipart upload with a FULL_OBJECT checksum, with a COMPOSITE one where the store refuses that, or else a plain one. */
async function tryMultipart(trials: BucketTrials): Promise<Multipart> {
  const key = `${trials.key}-multipart`
  const { uploadId, checksum } = await createUpload(trials, key, ['full', 'composite', 'none'])

  const right = await trials.part(key, uploadId, 'right')
  const wrong = await trials.part(key, uploadId, 'wrong')
  const headers = right.refusal === null && wrong.refusal !== null
  const trailer = await trials.part(key, uploadId, 'trailer')
  const listed = await trials.listParts(key, uploadId)
  // A store that does not know the framing stores it: the part is larger then.
  const trailers = trailer.refusal === null && listed.result?.[0] === TRIAL_BYTES
  const part = trailers ? trailer : await trials.part(key, uploadId, headers ? 'right' : 'plain')
  if (part.refusal) throw part.refusal

  const { etag } = part.result
  // A store that passed over the type of the checksum may want no more than those of the parts, or nothing.
  const tries =
    checksum === 'full' ? (['right', 'of-parts'] as const) : checksum === 'none' ? [] : (['of-parts'] as const)
  let extra: Parameters<BucketTrials['complete']>[3] = {}
  let complete: Awaited<ReturnType<BucketTrials['complete']>> | null = null
  for (const crc32c of [...tries, undefined]) {
    extra = crc32c ? { crc32c } : {}
    complete = await trials.complete(key, uploadId, etag, extra)
    if (!complete.refusal) break
  }
  if (complete?.refusal) throw complete.refusal
  const again = await trials.complete(key, uploadId, etag, extra)
  const head = await trials.head(key, headers)
  return {
    headers,
    trailers,
    keepsFullObject: head.result?.hasFullObjectChecksum === true,
    keepsComposite: head.result?.hasCompositeChecksum === true,
    takesCompleteTwice: again.refusal === null,
    checks: [
      check(
        'Multipart upload',
        head.result?.sizeBytes === TRIAL_BYTES,
        `A multipart upload could be started, listed and completed. ${again.refusal === null ? 'Completing it twice gives the same answer.' : 'Completing it twice is refused, so after a lost answer Sluice looks at the object.'}`,
        'A multipart upload was completed, but the object does not have the size of its part.',
      ),
    ],
  }
}

function checksumChecks(found: {
  readonly headers: boolean
  readonly trailers: boolean
  readonly fullObject: boolean
  readonly composite: boolean
}): Check[] {
  return [
    check(
      'Part checksums',
      found.headers,
      'The store verifies the checksum of every part (CRC32C): a wrong one was refused.',
      'The store does not verify checksums of parts. Sluice relies on connection and size while sending.',
    ),
    check(
      'Streamed checksums',
      found.trailers,
      'Parts may be streamed with their checksum behind them.',
      'The store takes no checksums behind a streamed part. Large parts are sent without one.',
    ),
    check(
      'Object checksum',
      found.fullObject || found.composite,
      found.fullObject
        ? 'The store verifies the checksum of the whole object (CRC32C): a wrong one was refused.'
        : 'The store keeps a checksum of the checksums of all parts (CRC32C), which shows that the object is made of them.',
      'The store does not verify a checksum of the whole object. What arrived is proven by size, or by reading it back.',
    ),
  ]
}

interface WrongComplete {
  readonly checksumRefused: boolean
  readonly sizeRefused: boolean
}

/** Whether Complete is refused when the checksum of the whole object is wrong, or its size is, the parts being right. */
async function tryWrongComplete(trials: BucketTrials): Promise<WrongComplete> {
  const key = `${trials.key}-wrong`
  const withChecksum = await trials.create(key, 'full')
  const created = withChecksum.refusal ? await trials.create(key, 'none') : withChecksum
  if (created.refusal) return { checksumRefused: false, sizeRefused: false }
  const hasChecksum = withChecksum.refusal === null
  const part = await trials.part(key, created.result, hasChecksum ? 'right' : 'plain')
  if (part.refusal) return { checksumRefused: false, sizeRefused: false }
  const { etag } = part.result
  const checksum = hasChecksum ? await trials.complete(key, created.result, etag, { crc32c: 'wrong' }) : null
  // What a wrong checksum did not keep from being completed is no upload any more: nothing shows whether the size would.
  if (checksum && checksum.refusal === null) return { checksumRefused: false, sizeRefused: false }
  const right = hasChecksum ? { crc32c: 'right' as const } : {}
  const size = await trials.complete(key, created.result, etag, { ...right, sizeBytes: TRIAL_BYTES + 1 })
  // A refusal for any other reason (the store does not know the header, the upload is gone) is none of the size.
  const isOfSize = size.refusal !== null && !['upload_lost', 'bucket_error'].includes(size.refusal.code)
  const exact = isOfSize ? await trials.complete(key, created.result, etag, { ...right, sizeBytes: TRIAL_BYTES }) : null
  return { checksumRefused: checksum !== null, sizeRefused: exact !== null && exact.refusal === null }
}

interface Conditional {
  readonly checks: Check[]
  readonly isHonoured: boolean
  /** A part with a checksum header was taken by an upload that was started without an algorithm. */
  readonly takesHeaderAnyway: boolean
  readonly listsUploads: boolean
  readonly replacesIfMatch: boolean
  readonly removesIfMatch: boolean
}

/** Whether an existing object survives writes that must not replace one; then the abort of what is left over. */
async function tryConditional(trials: BucketTrials): Promise<Conditional> {
  const put = await trials.put({ mustNotExist: true })
  const created = await trials.create(trials.key, 'none')
  if (created.refusal) throw created.refusal
  const withHeader = await trials.part(trials.key, created.result, 'right')
  const part = withHeader.refusal ? await trials.part(trials.key, created.result, 'plain') : withHeader
  if (part.refusal) throw part.refusal
  const complete = await trials.complete(trials.key, created.result, part.result.etag, { mustNotExist: true })
  const isHonoured = put.refusal?.code === 'key_exists' && complete.refusal?.code === 'key_exists'
  const replaceOther = await trials.put({ onlyOther: true })
  const removeOther = await trials.removeOther()
  const replacesIfMatch = replaceOther.refusal?.code === 'key_exists'
  const removesIfMatch = removeOther.refusal?.code === 'key_exists'
  const another = await trials.create(trials.key, 'none')
  const listed = await trials.listUploads(trials.key)
  const listsUploads = another.refusal === null && listed.result?.includes(another.result) === true
  const abort = another.refusal === null ? await trials.abort(trials.key, another.result) : another
  const gone = another.refusal === null ? await trials.listParts(trials.key, another.result) : another
  return {
    isHonoured,
    takesHeaderAnyway: withHeader.refusal === null,
    listsUploads,
    replacesIfMatch,
    removesIfMatch,
    checks: [
      check(
        'No overwriting',
        isHonoured,
        'The store itself refuses to replace an object that must not be replaced.',
        'The store replaces objects even when asked not to. Sluice looks first, which a write at the same moment can slip past.',
      ),
      check(
        'Exact removal',
        removesIfMatch,
        'The store removes an object only while it is the one that is meant.',
        'The store removes whatever is at a key. An object that Sluice wrote and that is no longer wanted is left there and named, so that nothing of others can go with it.',
      ),
      check(
        'Abort',
        abort.refusal === null && gone.refusal?.code === 'upload_lost',
        'An upload that is given up leaves nothing behind.',
        'An upload that was given up is still listed. Check that the keys may abort uploads (s3:AbortMultipartUpload).',
      ),
      check(
        'List uploads',
        listsUploads,
        'Unfinished uploads can be listed, so that one that was lost is found and removed.',
        'Unfinished uploads cannot be listed. One that is lost when an engine is killed stays until a lifecycle rule removes it.',
      ),
    ],
  }
}

function warningsFor(connection: BucketConnection, capabilities: BucketCapabilities): Warning[] {
  const warnings: Warning[] = []
  if (!capabilities.conditionalWrites)
    warnings.push({
      code: 'no_conditional_writes',
      message:
        'This store cannot refuse to overwrite an object. Two writers of one key at the same moment go unnoticed.',
    })
  const { protocol, hostname } = new URL(connection.endpoint)
  if (protocol === 'http:' && !/^(127\.|localhost$|\[::1\]$)/.test(hostname))
    warnings.push({
      code: 'not_encrypted',
      message: 'The endpoint is http, so bytes travel readable. Use https if it has it.',
    })
  return warnings
}
