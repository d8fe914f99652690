import { expect, it } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { BucketPace } from '../upload/bucket-pace.ts'
import type { CompleteUpload, ObjectInfo, ObjectStore } from '../upload/object-store.ts'
import { completeUpload } from './complete-upload.ts'

const PARTS = [{ number: 1, sizeBytes: 6, etag: '"p"', crc32c: 'AAAAAA==' }]
const object = (over: Partial<ObjectInfo> = {}): ObjectInfo => ({
  sizeBytes: 6,
  etag: '"e"',
  checksums: {},
  checksumType: null,
  metadata: { 'sluice-write-token': 'ours' },
  ...over,
})
const OURS = object()
const THEIRS = object({ etag: '"other"', metadata: {} })
const BARE = object({ metadata: {}, checksumType: 'FULL_OBJECT', checksums: { crc32c: 'AAAAAA==' } })
const BARE_OTHER = object({ metadata: {}, checksumType: 'FULL_OBJECT', checksums: { crc32c: 'BBBBBB==' } })

const refusal = (
  code: 'upload_lost' | 'upload_conflict' | 'key_exists' | 'checksum_mismatch',
  retry: 'now' | 'never',
) => new TransferError(code, code, { retry })
const LOST = refusal('upload_lost', 'now')
const CONFLICT = refusal('upload_conflict', 'now')
const TAKEN = refusal('key_exists', 'never')
const BAD_DIGEST = refusal('checksum_mismatch', 'now')
const FORBIDDEN = new TransferError('bucket_unauthorized', 'may not look')
const BROKEN = new TransferError('bucket_error', 'We encountered an internal error', { retry: 'now' })
const SLOW_DOWN = new TransferError('bucket_slow_down', 'Reduce your request rate', { retry: 'later', retryAfterMs: 1 })
const SILENT = new TransferError('bucket_unreachable', 'no answer', { retry: 'now' })

interface Case {
  /** What the store says to each Complete in turn; the last one again for those that follow. Null: it is done. */
  readonly answers: readonly (TransferError | null)[]
  /** What each look at the key finds, in the same way. */
  readonly looks: readonly (ObjectInfo | TransferError | null)[]
  readonly mustNotExist?: boolean
  readonly conditionalWrites?: boolean
  readonly metadata?: boolean
  /** What comes of it: an object, or the code of the failure. */
  readonly becomes: ObjectInfo | string
  readonly completes: number
}

/** Every answer a store may give to Complete, and what is at the key then (reliability.md section 2, correctness 36). */
const CASES: Readonly<Record<string, Case>> = {
  'done at once': { answers: [null], looks: [OURS], becomes: OURS, completes: 1 },
  'done, and another writer came right after': {
    answers: [null],
    looks: [object({ metadata: { 'sluice-write-token': 'theirs' } })],
    becomes: 'key_exists',
    completes: 1,
  },
  'done, and another writer that gives no token came right after': {
    ...{ answers: [null], looks: [THEIRS], becomes: 'key_exists', completes: 1 },
  },
  'done, in a store that drops metadata': {
    ...{ answers: [null], looks: [BARE], metadata: false, becomes: BARE, completes: 1 },
  },
  'done, and the store has no object': { answers: [null], looks: [null], becomes: 'bucket_error', completes: 1 },

  // A store without conditional writes: looked at right before.
  'the key is free in a store without conditions': {
    ...{ answers: [null], looks: [null, OURS], mustNotExist: true, conditionalWrites: false },
    ...{ becomes: OURS, completes: 1 },
  },
  'somebody took the key in a store without conditions': {
    ...{ answers: [null], looks: [THEIRS], mustNotExist: true, conditionalWrites: false },
    ...{ becomes: 'key_exists', completes: 0 },
  },
  'what is there is ours already in a store without conditions': {
    ...{ answers: [LOST], looks: [OURS], mustNotExist: true, conditionalWrites: false },
    ...{ becomes: OURS, completes: 1 },
  },
  'the key may be overwritten in a store without conditions': {
    ...{ answers: [null], looks: [OURS], mustNotExist: false, conditionalWrites: false },
    ...{ becomes: OURS, completes: 1 },
  },

  // An engine that died had completed it: the first answer is a refusal, and our object is there.
  '404 with our object there': { answers: [LOST], looks: [OURS], becomes: OURS, completes: 1 },
  '409 with our object there': { answers: [CONFLICT], looks: [OURS], becomes: OURS, completes: 1 },
  '412 with our object there': { answers: [TAKEN], looks: [OURS], mustNotExist: true, becomes: OURS, completes: 1 },
  '404 with nothing there': { answers: [LOST], looks: [null], becomes: 'upload_lost', completes: 1 },
  '404 with another object there': { answers: [LOST], looks: [THEIRS], becomes: 'upload_lost', completes: 1 },
  '409 with another object there': { answers: [CONFLICT], looks: [THEIRS], becomes: 'upload_conflict', completes: 1 },
  '412 with another object there': {
    ...{ answers: [TAKEN], looks: [THEIRS], mustNotExist: true, becomes: 'key_exists', completes: 1 },
  },

  // The first answer was lost; If-None-Match of the second is refused because of what the first one made.
  '412 to a repeated Complete that had succeeded': {
    ...{ answers: [SILENT, TAKEN], looks: [null, OURS], mustNotExist: true, becomes: OURS, completes: 2 },
  },
  'the answer was lost and it is done': { answers: [SILENT], looks: [OURS], becomes: OURS, completes: 1 },
  'the answer was lost and it is not done': {
    answers: [SILENT, null],
    looks: [null, OURS],
    becomes: OURS,
    completes: 2,
  },
  '200 with an error in its body, then done': {
    answers: [BROKEN, null],
    looks: [null, OURS],
    becomes: OURS,
    completes: 2,
  },

  // Keys that may not list get 403 for what is not there: no reason to give the upload up, nor to call it done.
  '403 at the look counts as nothing there': {
    ...{ answers: [BROKEN, null], looks: [FORBIDDEN, OURS], becomes: OURS, completes: 2 },
  },
  '404, and 403 at the look': { answers: [LOST], looks: [FORBIDDEN], becomes: 'upload_lost', completes: 1 },
  'nobody can look, so nothing is given up': {
    ...{ answers: [LOST], looks: [SILENT, OURS], becomes: OURS, completes: 2 },
  },

  'the store asks for patience': {
    ...{ answers: [SLOW_DOWN, SLOW_DOWN, null], looks: [null, null, OURS], becomes: OURS, completes: 3 },
  },
  'the store has other bytes than were sent': {
    ...{ answers: [BAD_DIGEST], looks: [null], becomes: 'checksum_mismatch', completes: 1 },
  },

  // A store that drops metadata: the object is told by its checksum.
  'no metadata, and the bytes are ours': {
    ...{ answers: [LOST], looks: [BARE], metadata: false, becomes: BARE, completes: 1 },
  },
  'no metadata, and the bytes are others': {
    ...{ answers: [LOST], looks: [BARE_OTHER], metadata: false, becomes: 'upload_lost', completes: 1 },
  },
  'no token in a store that keeps metadata': { answers: [LOST], looks: [BARE], becomes: 'upload_lost', completes: 1 },
}

it.each(Object.entries(CASES))('Complete: %s', async (_, each) => {
  const { mustNotExist = false, conditionalWrites = true, metadata = true } = each
  const inTurn = <T>(list: readonly T[]) => {
    let at = 0
    return () => list[Math.min(at++, list.length - 1)] as T
  }
  const [answer, look] = [inTurn(each.answers), inTurn(each.looks)]
  const sent: CompleteUpload[] = []
  const store = {
    capabilities: {
      ...{ checksumHeaders: true, checksumTrailers: true, fullObjectChecksum: true },
      ...{ conditionalWrites, metadata },
    },
    async completeUpload(complete: CompleteUpload) {
      sent.push(complete)
      const error = answer()
      if (error) throw error
      return { etag: '"e"' }
    },
    async head() {
      const seen = look()
      if (seen instanceof TransferError) throw seen
      return seen
    },
  } as Partial<ObjectStore> as ObjectStore
  const complete = { key: 'k', uploadId: 'u', parts: PARTS, sizeBytes: 6, crc32c: 'AAAAAA==', mustNotExist }
  const row = { key: 'k', writeToken: 'ours' }
  const done = completeUpload({ row, store, complete, pace: new BucketPace() }, new AbortController().signal)
  const outcome = await done.catch((error: TransferError) => error.code)
  expect(outcome).toEqual(each.becomes)
  expect(sent).toHaveLength(each.completes)
  expect(sent.every((one) => one === complete)).toBe(true)
})

it('Complete refused for the checksum of the whole: the same parts would be refused again, so a retry has to start over', async () => {
  const store = {
    capabilities: {
      ...{ checksumHeaders: true, checksumTrailers: true, fullObjectChecksum: true },
      ...{ conditionalWrites: true, metadata: true },
    },
    completeUpload: () => Promise.reject(BAD_DIGEST),
    head: async () => null,
  } as Partial<ObjectStore> as ObjectStore
  const complete = { key: 'k', uploadId: 'u', parts: PARTS, sizeBytes: 6, crc32c: 'AAAAAA==', mustNotExist: false }
  const row = { key: 'k', writeToken: 'ours' }
  const done = completeUpload({ row, store, complete, pace: new BucketPace() }, new AbortController().signal)
  await expect(done).rejects.toMatchObject({ code: 'checksum_mismatch', retry: 'never' })
})
