import {
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import type { BucketConnection } from '../../server/domain/bucket.ts'
import { TransferError } from '../../server/domain/failure.ts'
import { LIFECYCLE_DAYS, type LifecycleAnswer } from '../../server/domain/inspection.ts'
import { createS3Clients, type S3ClientOptions } from './s3-clients.ts'
import { dialectOf } from './s3-dialects.ts'
import { uploadFailure } from './upload-failure.ts'

const RULE_ID = 'sluice-abort-unfinished-uploads'
const TIMEOUT_MS = 10_000
/** Stores that say so for a request they do not know. */
const UNKNOWN_TO_STORE = new Set([400, 405, 501])

/**
 * Installs a rule by which the bucket itself removes uploads that were not finished within LIFECYCLE_DAYS of their start
 * (AbortIncompleteMultipartUpload, Amazon S3 User Guide). All other rules stay as they are; a rule that does the same for the whole
 * bucket already is left alone. Throws TransferError: `not_allowed_in_state` where the store knows no such rules.
 */
export async function installLifecycleRule(
  connection: BucketConnection,
  options: S3ClientOptions,
  signal: AbortSignal,
): Promise<LifecycleAnswer> {
  const clients = createS3Clients(connection, options)
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
  const Bucket = connection.bucket
  const attempt = async <T>(doing: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send()
    } catch (error) {
      signal.throwIfAborted()
      throw unknownToStore(error, connection) ?? uploadFailure(error, { connection, doing })
    }
  }
  try {
    const rules = await attempt('reading its lifecycle rules', () => readRules(clients.repeatable, Bucket, abortSignal))
    const same = rules.find(isSameForAll)
    if (same) {
      const days = same.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? LIFECYCLE_DAYS
      return { installed: false, days, message: `The bucket has such a rule already: after ${days} days.` }
    }
    const rule: LifecycleRule = {
      ID: RULE_ID,
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: LIFECYCLE_DAYS },
    }
    const Rules = [...rules.filter(({ ID }) => ID !== RULE_ID), rule]
    await attempt('writing its lifecycle rules', () =>
      clients.repeatable.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }),
        { abortSignal },
      ),
    )
    // Some stores take what they do not carry out; what counts is what they say they have.
    const kept = await attempt('reading its lifecycle rules', () => readRules(clients.repeatable, Bucket, abortSignal))
    if (!kept.some(isSameForAll)) throw unsupported(connection)
    const others =
      rules.length === 0 ? '' : ` The other ${rules.length === 1 ? 'rule stays' : `${rules.length} rules stay`}.`
    return {
      installed: true,
      days: LIFECYCLE_DAYS,
      message: `The bucket now removes uploads that are not finished ${LIFECYCLE_DAYS} days after their start.${others}`,
    }
  } finally {
    clients.close()
  }
}

async function readRules(
  client: ReturnType<typeof createS3Clients>['repeatable'],
  Bucket: string,
  abortSignal: AbortSignal,
): Promise<readonly LifecycleRule[]> {
  try {
    return (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }), { abortSignal })).Rules ?? []
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchLifecycleConfiguration') return []
    throw error
  }
}

/** Enabled, for every key, and in days. */
function isSameForAll(rule: LifecycleRule): boolean {
  const filter = rule.Filter
  const isForAll =
    !(rule.Prefix ?? '') &&
    !(filter?.Prefix ?? '') &&
    !filter?.Tag &&
    !filter?.And &&
    filter?.ObjectSizeLessThan === undefined
  const days = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? 0
  return rule.Status === 'Enabled' && isForAll && days > 0
}

function unknownToStore(error: unknown, connection: BucketConnection): TransferError | null {
  const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string }
  const isUnknown = name === 'NotImplemented' || name === 'MethodNotAllowed' || name === 'InvalidArgument'
  return isUnknown && UNKNOWN_TO_STORE.has($metadata?.httpStatusCode ?? 0) ? unsupported(connection) : null
}

function unsupported(connection: BucketConnection): TransferError {
  return new TransferError(
    'not_allowed_in_state',
    `${capital(dialectOf(connection.endpoint).title)} knows no lifecycle rule for unfinished uploads. Sluice still removes its own; look at the store's own settings for others.`,
  )
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
