import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeleteObjectsCommand, S3Client } from '@aws-sdk/client-s3'
import { z } from 'zod'
import type { BucketView } from '../../src/server/domain/bucket.ts'
import { ArgumentError } from '../runner/command-words.ts'

const keysSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() })
type Keys = z.infer<typeof keysSchema>

/**
 * The keys to remove objects with. The API gives none out: those of the embedded store lie in the data folder, for any other bucket
 * they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Throws ArgumentError where there are none.
 */
export function findKeys(
  bucket: Pick<BucketView, 'embedded' | 'name'>,
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
): Keys {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey }
  if (bucket.embedded)
    try {
      return keysSchema.parse(JSON.parse(readFileSync(join(dataDir, 'object-store', 'credentials.json'), 'utf8')))
    } catch {
      throw new ArgumentError(`--clean needs the keys of the embedded store, which are not in ${dataDir}.`)
    }
  throw new ArgumentError(
    `--clean needs keys to remove objects of the bucket "${bucket.name}" with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
  )
}

/** Removes the objects of a test. Throws where the store refuses one. */
export async function removeObjects(bucket: BucketView, keys: Keys, objectKeys: readonly string[]): Promise<void> {
  const { endpoint, region, forcePathStyle } = bucket
  const s3 = new S3Client({ endpoint, region, forcePathStyle, credentials: keys })
  try {
    for (let at = 0; at < objectKeys.length; at += 1000) {
      const Objects = objectKeys.slice(at, at + 1000).map((Key) => ({ Key }))
      const { Errors = [] } = await s3.send(
        new DeleteObjectsCommand({ Bucket: bucket.bucket, Delete: { Objects, Quiet: true } }),
      )
      if (Errors[0]) throw new Error(`${Errors[0].Key} could not be removed: ${Errors[0].Message ?? Errors[0].Code}`)
    }
  } finally {
    s3.destroy()
  }
}
