import { getBucketConnection, saveBucketCapabilities, saveBucketTestFailure } from '../../server/db/buckets.ts'
import { answerInspection, claimInspection, type InspectionQuestion } from '../../server/db/inspections.ts'
import type { BucketConnection } from '../../server/domain/bucket.ts'
import { TransferError, toFailure } from '../../server/domain/failure.ts'
import {
  type BucketAnswer,
  INSPECTION_TIMEOUT_MS,
  type LifecycleAnswer,
  type SourceAnswer,
} from '../../server/domain/inspection.ts'
import type { WorkContext } from '../transfer/work-context.ts'
import { inspectBucket } from '../upload/inspect-bucket.ts'
import { installLifecycleRule } from '../upload/install-lifecycle-rule.ts'

const MAX_AT_ONCE = 8
/** Answered a little before the asker gives up, so that a slow source is named and not "no answer". */
const ANSWER_WITHIN_MS = INSPECTION_TIMEOUT_MS - 1_500

/** Answers what the web wants to know about sources and buckets, on a hint or when a heartbeat has seen one, a few at a time. */
export class InspectionLoop {
  readonly #context: WorkContext
  readonly #running = new Set<Promise<void>>()
  readonly #stopper = new AbortController()
  #looking: Promise<void> | null = null
  #isPoked = false

  constructor(context: WorkContext) {
    this.#context = context
  }

  start(): void {
    this.poke()
  }

  poke(): void {
    this.#isPoked = true
    if (this.#looking || this.#stopper.signal.aborted) return
    this.#looking = this.#look().finally(() => {
      this.#looking = null
    })
  }

  async stop(): Promise<void> {
    this.#stopper.abort()
    // The last look may still have begun an answer.
    await this.#looking
    await Promise.all(this.#running)
  }

  async #look(): Promise<void> {
    const { db, sealer, engineId, log } = this.#context
    const { signal } = this.#stopper
    try {
      while (this.#isPoked && !signal.aborted) {
        this.#isPoked = false
        while (this.#running.size < MAX_AT_ONCE && !signal.aborted) {
          const inspection = await claimInspection(db, sealer, engineId)
          if (!inspection) break
          const answering = this.#answer(inspection).finally(() => {
            this.#running.delete(answering)
            this.poke()
          })
          this.#running.add(answering)
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'Looking for inspections failed; trying again.')
    }
  }

  async #answer(inspection: { id: string } & InspectionQuestion): Promise<void> {
    const { db, log } = this.#context
    const signal = AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN_MS), this.#stopper.signal])
    try {
      const result = await this.#result(inspection, signal)
      await answerInspection(db, inspection.id, { result, failure: null })
    } catch (error) {
      const failure = toFailure(signal.aborted && !(error instanceof TransferError) ? tooSlow(inspection.kind) : error)
      if (failure.code === 'internal_error') log.error({ err: error }, 'an inspection ended unexpectedly')
      await answerInspection(db, inspection.id, { result: null, failure }).catch((err) =>
        log.warn({ err }, 'an answer could not be written'),
      )
    }
  }

  #result(inspection: InspectionQuestion, signal: AbortSignal): Promise<SourceAnswer | BucketAnswer | LifecycleAnswer> {
    if (inspection.kind === 'source') return this.#source(inspection, signal)
    if (inspection.kind === 'bucket') return this.#bucket(inspection, signal)
    return this.#lifecycle(inspection, signal)
  }

  async #lifecycle(
    { question }: Extract<InspectionQuestion, { kind: 'lifecycle' }>,
    signal: AbortSignal,
  ): Promise<LifecycleAnswer> {
    const { db, sealer } = this.#context
    const connection = await getBucketConnection(db, sealer, question.bucketId)
    return installLifecycleRule(connection, this.#clientOptions(), signal)
  }

  #clientOptions() {
    const { guard, env } = this.#context
    return {
      guard,
      connectTimeoutMs: env.SLUICE_CONNECT_TIMEOUT_MS,
      idleTimeoutMs: env.SLUICE_IDLE_TIMEOUT_MS,
      httpClient: env.SLUICE_HTTP_CLIENT,
      maxConnections: 2,
    }
  }

  async #source(
    { question }: Extract<InspectionQuestion, { kind: 'source' }>,
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    const probe = await this.#context.source.probe({ url: question.url, headers: question.headers ?? {} }, signal)
    const { name, contentType, warnings, identity } = probe
    return { ...identity, name, contentType, warnings: [...warnings] }
  }

  async #bucket(
    { question }: Extract<InspectionQuestion, { kind: 'bucket' }>,
    signal: AbortSignal,
  ): Promise<BucketAnswer> {
    const { db, sealer } = this.#context
    const stored = 'bucketId' in question ? question.bucketId : question.draft.id
    const saved = stored ? await getBucketConnection(db, sealer, stored) : null
    const connection = 'bucketId' in question ? saved : draftConnection(question.draft, saved)
    if (!connection) throw new TransferError('not_found', 'There is no such bucket any more. Reload the page.')
    const id = 'bucketId' in question ? question.bucketId : null
    try {
      const answer = await inspectBucket(connection, this.#clientOptions(), signal)
      if (id) await saveBucketCapabilities(db, id, answer.capabilities)
      return answer
    } catch (error) {
      if (id && error instanceof TransferError) await saveBucketTestFailure(db, id, error.toFailure())
      throw error
    }
  }
}

type Draft = Extract<Extract<InspectionQuestion, { kind: 'bucket' }>['question'], { draft: unknown }>['draft']

/** A draft as typed; keys left empty are the stored ones. */
function draftConnection(draft: Draft, saved: BucketConnection | null): BucketConnection {
  return {
    endpoint: draft.endpoint,
    region: draft.region,
    bucket: draft.bucket,
    forcePathStyle: draft.forcePathStyle,
    capabilities: null,
    accessKeyId: draft.accessKeyId || (saved?.accessKeyId ?? ''),
    secretAccessKey: draft.secretAccessKey || (saved?.secretAccessKey ?? ''),
  }
}

function tooSlow(kind: InspectionQuestion['kind']): TransferError {
  return new TransferError(
    'timed_out',
    `The ${kind === 'source' ? 'source' : 'bucket'} did not answer in time. Check that it can be reached from the engine, then try again.`,
    {
      retry: 'now',
    },
  )
}
