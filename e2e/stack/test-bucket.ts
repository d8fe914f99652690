import { saveBucket } from '../../src/server/db/buckets.ts'
import type { Db } from '../../src/server/db/client.ts'
import { createSealer } from '../../src/server/secrets.ts'

/** A bucket for tests of statements alone: nothing listens at its endpoint. Returns its id. */
export async function saveTestBucket(db: Db): Promise<string> {
  const place = { name: 'b', bucket: 'b', endpoint: 'http://127.0.0.1:9', region: 'us-east-1', prefix: '' }
  const keys = { accessKeyId: 'testkey', secretAccessKey: 'testsecret', forcePathStyle: true }
  return (await saveBucket(db, createSealer('x'.repeat(32)), { ...place, ...keys })).id
}
