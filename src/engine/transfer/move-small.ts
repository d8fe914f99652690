import { createHash } from 'node:crypto'
import type { Claim } from '../../server/db/claims.ts'
import { isDatabaseTrouble } from '../../server/db/database-failure.ts'
import { newId } from '../../server/db/new-id.ts'
import type { TransferRow } from '../../server/db/transfer-steps.ts'
import { formatBytes } from '../../server/domain/bytes.ts'
import { TransferError } from '../../server/domain/failure.ts'
import type { Verification } from '../../server/domain/transfer.ts'
import { wholePartBytes } from '../part/part-plan.ts'
import type { PartStream } from '../part/part-stream.ts'
import { Meter } from '../progress/meter.ts'
import type { RecordedRun } from '../progress/recorder.ts'
import type { Origin } from '../source/origin.ts'
import type { SourceIdentity, SourceProbe, SourceTarget } from '../source/source.ts'
import { encodeCrc32c } from '../upload/crc32c.ts'
import { type ObjectStore, WRITE_TOKEN_KEY } from '../upload/object-store.ts'
import type { ActiveTransfer } from './active-transfer.ts'
import { Attempts, backoffMs } from './backoff.ts'
import { MOST_BYTES, oneRequestBytes, SMALL_BYTES } from './one-request.ts'
import { newPlan } from './plan-transfer.ts'
import { proveBytes } from './prove-bytes.ts'
import { RateLimiter } from './rate-limiter.ts'
import { type ReadSmall, readSmall } from './read-small.ts'
import { runSettings } from './report-signs.ts'
import { Stop } from './stop.ts'
import { describeVerification, judgeObject } from './verification.ts'
import { openStore, openTarget, type WorkContext } from './work-context.ts'
import { zipWarning } from './zip-warning.ts'

/**
 * The short way of a small file, or of one that is over soon (one-request.ts): one request reads it with its probe, one writes it with its
 * checksum, and one statement for many transfers records plan, ledger and end together.
 *
 *   claim of the plan ──▶ read-small.ts ──▶ PutObject, If-None-Match: * ──▶ recorder.finishWhole
 *
 * It is only taken where the store itself refuses to replace an object. That is what keeps an engine that was thought dead from
 * writing later: multipart uploads have their upload ID for it, a plain PUT has nothing else (docs/decisions/028).
 * The write token is the transfer's id, known before the object is: after a lost answer or a kill, an object at the key that has
 * it and the bytes just read is the one we wrote. Returns `done`, or what the probe found where the file takes the long way: it is
 * larger, or somebody wrote the key meanwhile and that is to be overwritten or skipped.
 */
export async function moveSmall(
  context: WorkContext,
  row: TransferRow,
  claim: Claim,
  active: ActiveTransfer,
): Promise<'done' | { readonly probe: SourceProbe | null }> {
  const store = openStore(context, row)
  try {
    if (!store.capabilities.conditionalWrites || !store.capabilities.metadata) return { probe: null }
    // Reading what will not be written is saved where that is likely; what is there is judged by the long way.
    const there = row.ifExists === 'fail' ? null : await store.head(row.key, active.signal)
    // One of a killed engine of ours is compared with the file, as where the store refuses to replace it.
    if (there && there.metadata[WRITE_TOKEN_KEY] !== row.id) return { probe: null }
    const target = openTarget(context, row)
    const origin = await context.origins.of(target.url)
    return await new SmallRun(context, row, claim, active, { store, target, origin }).run()
  } finally {
    store.close()
  }
}

class SmallRun implements RecordedRun {
  readonly id: string
  readonly runId = newId()
  readonly meter = new Meter()
  readonly settings: RecordedRun['settings']
  readonly #context: WorkContext
  readonly #row: TransferRow
  readonly #claim: Claim
  readonly #active: ActiveTransfer
  readonly #store: ObjectStore
  readonly #target: SourceTarget
  readonly #origin: Origin
  readonly #mostBytes: number
  readonly #limiter = new RateLimiter()
  #bytes: PartStream | null = null
  #sentBytes = 0

  constructor(
    context: WorkContext,
    row: TransferRow,
    claim: Claim,
    active: ActiveTransfer,
    { store, target, origin }: { readonly store: ObjectStore; readonly target: SourceTarget; readonly origin: Origin },
  ) {
    this.id = row.id
    this.#context = context
    this.#row = row
    this.#claim = claim
    this.#active = active
    this.#store = store
    this.#target = target
    this.#origin = origin
    this.#limiter.setLimit(toNumber(row.bandwidthLimitBytesPerSecond))
    const limits = [this.#limiter.bytesPerSecond, context.bandwidth.bytesPerSecond].filter((limit) => limit !== null)
    this.#mostBytes = oneRequestBytes({
      laneBytesPerSecond: origin.laneBytesPerSecond,
      freeLanes: origin.lanes - origin.activeLanes,
      limitBytesPerSecond: limits.length > 0 ? Math.min(...limits) : null,
      budgetBytes: context.budget.totalBytes,
      bufferBytes: context.pool.bufferBytes,
      wantedPartSizeBytes: toNumber(row.wantedPartSizeBytes),
      isKeptShort: !active.suitsOneRequest || context.files.mayBeShared(row.sourceUrl, target),
    })
    const whole = { highWaterBytes: this.#mostBytes, lowWaterBytes: this.#mostBytes, spanBytes: this.#mostBytes }
    this.settings = runSettings(context, { uploadLanes: 1, shape: 'held', ...whole })
  }

  sentBytes = () => this.#sentBytes
  bufferedBytes = () => this.#bytes?.waitingBytes ?? 0
  isBucketBehind = () => this.meter.uploadLanes > 0
  movingParts = () => (this.#bytes ? [1] : [])
  takeClosedClaims = () => []
  onRefused = () => this.#active.stop('lease-lost')
  onWishes: RecordedRun['onWishes'] = (wishes) => {
    if (wishes?.status !== 'running' || wishes.cancelRequestedAt) return this.#active.stop('user')
    this.#limiter.setLimit(toNumber(wishes.bandwidthLimitBytesPerSecond))
  }

  async run(): Promise<'done' | { readonly probe: SourceProbe | null }> {
    const { recorder } = this.#context
    recorder.add(this)
    let isRecorded = false
    try {
      const { meter } = this
      const [target, origin, limiter] = [this.#target, this.#origin, this.#limiter]
      const onBytes = (bytes: PartStream | null) => {
        this.#bytes = bytes
      }
      const { signal } = this.#active
      const share = this.#context.bandwidth.share()
      const read = { share, target, origin, meter, limiter, signal, onBytes }
      let found = await readSmall(this.#context, { ...read, mostBytes: this.#mostBytes })
      const wholeBytes = found.bytes ? 0 : await this.#writtenBytes(found.probe.identity)
      if (wholeBytes > 0) {
        found.probe.opened?.discard()
        found = await readSmall(this.#context, { ...read, mostBytes: wholeBytes })
      }
      if (!found.bytes) return { probe: found.probe }
      this.#active.signal.throwIfAborted()
      // What somebody else has written meanwhile is judged by the long way, which may overwrite it.
      if (!(await this.#write(found, found.bytes))) return { probe: null }
      isRecorded = true
      if (found.bytes.sizeBytes <= SMALL_BYTES) this.#active.onSmall()
      return 'done'
    } finally {
      await this.#bytes?.dispose(new Stop('part-closed'))
      if (!isRecorded) await this.#giveUp()
      await this.#context.origins.remember(this.#origin).catch(() => {})
    }
  }

  /**
   * What to ask for, where an engine that knew the source better wrote the file in one request and ended before it was recorded: only
   * by the same way it is compared and kept. 0 where nothing of ours is there.
   */
  async #writtenBytes({ sizeBytes }: SourceIdentity): Promise<number> {
    if (sizeBytes === null || sizeBytes <= this.#mostBytes || sizeBytes > MOST_BYTES) return 0
    const { pool, budget } = this.#context
    const wholeBytes = Math.ceil(sizeBytes / pool.bufferBytes) * pool.bufferBytes
    if (wholeBytes > budget.totalBytes) return 0
    const object = await this.#store.head(this.#row.key, this.#active.signal)
    return object?.metadata[WRITE_TOKEN_KEY] === this.#row.id ? wholeBytes : 0
  }

  /** Writes and records the file; false where the key is taken now, and what is there may be overwritten or skipped. */
  async #write(found: ReadSmall, bytes: PartStream): Promise<boolean> {
    const { context, row } = { context: this.#context, row: this.#row }
    const slices = bytes.heldSlices()
    const crc32c = encodeCrc32c(bytes.crc32c)
    // The bytes are all here: a wrong digest leaves what is at the key as it was.
    const proof = await proveBytes({ ...row, sourceDigests: [...found.probe.digests], readDigests: {} }, slices, crc32c)
    this.#active.signal.throwIfAborted()
    const startedAt = new Date()
    this.meter.laneOpened('upload')
    const object = await this.#put(bytes, crc32c, found.probe.contentType).finally(() =>
      this.meter.laneClosed('upload'),
    )
    if (!object) return false
    const verification =
      proof.length > 0
        ? { verdict: 'verified' as const, evidence: [...proof, ...object.verification.evidence] }
        : object.verification
    const { identity, contentType, digests } = found.probe
    const oddZip = zipWarning({ key: row.key, url: row.sourceUrl, contentType }, slices[0] ?? new Uint8Array())
    const warnings = [...found.probe.warnings, ...(oddZip ? [oddZip] : [])]
    const planned = newPlan(context, row, identity, this.#store)
    const partSizeBytes = Math.max(planned.partSizeBytes, wholePartBytes(bytes.sizeBytes))
    const seconds = (Date.now() - (row.startedAt ?? startedAt).getTime()) / 1000
    const size = formatBytes(bytes.sizeBytes)
    const file = {
      ...context.recorder.closeWhole(this),
      claimId: this.#claim.id,
      epoch: this.#claim.epoch,
      ...{ ...identity, sizeBytes: bytes.sizeBytes, contentType, partSizeBytes, warnings, verification },
      sliceSizeBytes: context.env.sliceSizeBytes,
      sourceDigests: digests,
      writeToken: row.id,
      part: { etag: object.etag, crc32c, retries: this.meter.partRetries, startedAt, finishedAt: new Date() },
      planned: `${size} in 1 part, read with the first request and written with one.`,
      completed: `Completed: ${size} in ${seconds.toFixed(1)} s; ${describeVerification(verification)}.`,
    }
    for (const attempts = { count: 0 }; ; attempts.count++) {
      try {
        if (!(await context.recorder.finishWhole(file))) throw new Stop('lease-lost')
        break
      } catch (error) {
        // The object is there; as long as the claim is ours, only the database is waited for.
        if (!isDatabaseTrouble(error) || this.#active.mustLetGo) throw error
        context.log.warn(
          { transferId: this.id, err: error },
          'the end of a transfer could not be written; trying again',
        )
        await new Promise((resolve) => setTimeout(resolve, backoffMs(attempts.count + 1, undefined)))
      }
    }
    context.metrics.transfersEnded.inc({ outcome: 'completed' })
    context.log.info(
      { transferId: this.id, sizeBytes: bytes.sizeBytes, verdict: verification.verdict },
      'transfer completed',
    )
    return true
  }

  /**
   * Writes the object, once: what is at the key after an answer that was lost is looked at. A wish of the user waits for the answer to
   * a request that is under way, which only a lost lease or the end of the engine break off, but not for another attempt: whoever
   * cancels looks at the key, and whoever resumes does. Null where somebody else's object is there and may be overwritten or skipped.
   */
  async #put(
    bytes: PartStream,
    crc32c: string,
    contentType: string | null,
  ): Promise<{ etag: string; verification: Verification } | null> {
    const { letGoSignal: signal, signal: wish } = this.#active
    const store = this.#store
    const { key, id: writeToken, ifExists } = this.#row
    const attempts = new Attempts()
    const sizeBytes = bytes.sizeBytes
    const proven = (etag: string, storedCrc32c: string): { etag: string; verification: Verification } => ({
      etag,
      verification: {
        verdict: 'verified',
        evidence: [{ kind: 'bucket-checksum', algorithm: 'CRC32C', expected: crc32c, actual: storedCrc32c }],
      },
    })
    let replaces: string | null = null
    for (;;) {
      this.meter.bucketRequests++
      this.#sentBytes = 0
      let isTaken = false
      const done = await this.#context.paces.of(this.#row.bucket).begin(wish)
      try {
        const body = { kind: 'held' as const, slices: bytes.heldSlices(), crc32c }
        const onBytes = (sent: number) => {
          this.#sentBytes += sent
          this.meter.addBucket(sent)
        }
        const put = await store.putNew({ key, sizeBytes, body, contentType, writeToken, replaces, onBytes, signal })
        done(null)
        if (put.storedCrc32c !== null && store.capabilities.checksumHeaders) return proven(put.etag, put.storedCrc32c)
      } catch (error) {
        const isSlowDown = done(error)
        signal.throwIfAborted()
        isTaken = error instanceof TransferError && error.code === 'key_exists'
        // A gateway may take parts and not the whole of a larger file; what else it refuses, it refuses on the long way too.
        if (!isTaken && sizeBytes > SMALL_BYTES && error instanceof TransferError && error.retry === 'never')
          return null
        if (!isTaken) {
          if (!isSlowDown) await attempts.failed(error, wish)
          this.meter.partRetries++
          // Of a larger one the refusal may be lost behind a connection that was cut while it was sent: it is not sent in vain again.
          if (isSlowDown || sizeBytes <= SMALL_BYTES) continue
          isTaken = (await store.head(key, signal).catch(() => null)) !== null
          if (!isTaken) continue
        }
      }
      const object = await store.head(key, signal)
      if (object && object.metadata[WRITE_TOKEN_KEY] !== writeToken) {
        if (ifExists !== 'fail') return null
        throw taken(key, object.sizeBytes)
      }
      if (object) {
        const verification = judgeObject(object, { sizeBytes, crc32c })
        // Ours of an attempt before, which nobody recorded: only where it shows that it has these very bytes.
        const isProven = verification.verdict === 'verified' || object.etag === etagOf(bytes.heldSlices())
        if (isProven || (!isTaken && verification.verdict !== 'mismatch')) return { etag: object.etag, verification }
      }
      // Where the store would replace another one too, the long way sees what is there.
      if (object && store.capabilities.replacesIfMatch !== true) return null
      replaces = object?.etag ?? null
      const other = new TransferError(
        'bucket_error',
        'The object at the key is not what was just written. Try again.',
        {
          retry: 'now',
        },
      )
      await attempts.failed(other, wish)
    }
  }

  /** What was counted of a run that did not come to its end. */
  async #giveUp(): Promise<void> {
    const { recorder, log } = this.#context
    if (this.meter.sourceBytes === 0) return recorder.forget(this)
    await recorder.finish(this).catch((err) => {
      recorder.forget(this)
      log.warn({ transferId: this.id, err }, 'the last progress of a transfer could not be written')
    })
  }
}

function taken(key: string, sizeBytes: number): TransferError {
  return new TransferError(
    'key_exists',
    `There is already an object at ${key} (${formatBytes(sizeBytes)}). Choose another key, or allow it to be overwritten.`,
  )
}

/** The ETag of most stores for what came in one request. */
function etagOf(slices: readonly Uint8Array[]): string {
  const md5 = createHash('md5')
  for (const slice of slices) md5.update(slice)
  return `"${md5.digest('hex')}"`
}

const toNumber = (value: bigint | null) => (value === null ? null : Number(value))
