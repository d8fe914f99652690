import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { patternBytes, patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import {
  type HostileAnswer,
  type HostileBehaviour,
  type HostileRequest,
  redirectTo,
} from '../../src/engine/testing/hostile-behaviour.ts'
import { digestOf } from '../../src/engine/upload/object-digest.ts'
import { applyAction } from '../../src/server/db/transfer-actions.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { TransferInput } from '../../src/server/domain/transfer-input.ts'
import type { EngineStack } from '../stack/engine-stack.ts'
import { type FaultRig, faultPath, startFaultRig } from './fault-runner.ts'
import { assertInvariants, type ChaosFacts, readObject } from './invariants.ts'
import { watchTransfer } from './watch-transfer.ts'

const SIZE_BYTES = 14 * MIB
const PART_BYTES = 6 * MIB
const LAST_MODIFIED = 'Mon, 02 Nov 2026 10:00:00 GMT'

/** Ranged requests after the probe of one byte. */
const isRead = (request: HostileRequest) =>
  request.range !== null && request.range.endByte - request.range.startByte > 1

/** The nth read is answered one way, all others honestly. */
const nthRead = (nth: number, answer: (request: HostileRequest) => HostileAnswer): HostileBehaviour =>
  (() => {
    let reads = 0
    return (request: HostileRequest) =>
      isRead(request) && ++reads === nth ? answer(request) : { sizeBytes: SIZE_BYTES }
  })()

// With a rig of its own: where two seconds of silence are too many, a process that stands still for a moment asks again.
it('row 14, correctness 21: a read that stands still is asked for again on another connection', async () => {
  const impatient = await startFaultRig({ SLUICE_IDLE_TIMEOUT_MS: '2000' })
  try {
    const source = nthRead(2, () => ({ sizeBytes: SIZE_BYTES, breakAfterBytes: 100_000, breakBy: 'stall' }))
    const file = { sizeBytes: SIZE_BYTES, partSizeBytes: PART_BYTES }
    const { requests } = await impatient.run({ key: 'stalls.bin', source, ...file })
    expect(requests().some((request) => request.bytesSent === 100_000 && !request.isOpen)).toBe(true)
  } finally {
    await impatient.close()
  }
})

/** Rows 13 to 18 of the chaos list and the behaviours behind them: a source that misbehaves, all the way to the bucket. */
describe('a source that misbehaves', () => {
  let rig: FaultRig
  let stack: EngineStack
  let count = 0
  beforeAll(async () => {
    rig = await startFaultRig()
    stack = rig.stack
  })
  afterAll(() => rig.close())

  interface Run {
    readonly source: (key: string) => HostileBehaviour
    readonly input?: Partial<TransferInput>
    readonly status?: 'completed' | 'failed'
    /** What is at the key before. */
    readonly old?: string
    readonly facts?: Partial<ChaosFacts>
    readonly attempts?: number
    readonly sizeBytes?: number
  }

  /** One transfer from a source that behaves like this, and the standing invariants after it. */
  async function run({ source, ...rest }: Run) {
    const key = `source-${++count}.bin`
    const one = await rig.run({ key, source: source(key), sizeBytes: SIZE_BYTES, partSizeBytes: PART_BYTES, ...rest })
    return { ...one, requests: one.requests() }
  }

  it('row 13: a reset in the middle of a read costs nothing that was read', async () => {
    const { transfer } = await run({
      source: () => nthRead(3, () => ({ sizeBytes: SIZE_BYTES, breakAfterBytes: 700_000, breakBy: 'reset' })),
    })
    expect(transfer.metrics.sourceRetries).toBeGreaterThan(0)
    expect(transfer.metrics.sourceBytes).toBeLessThan(SIZE_BYTES + PART_BYTES)
  })

  it('row 15, correctness 12: an ETag that changes on the way stops the transfer with both values, and mixes nothing', async () => {
    const { transfer } = await run({
      source:
        () =>
        ({ index }) => ({ sizeBytes: SIZE_BYTES, etag: index < 2 ? '"old"' : '"new"', seed: index < 2 ? 0 : 9 }),
      status: 'failed',
      old: 'what was there',
      input: { ifExists: 'overwrite' },
    })
    expect(transfer.failure).toMatchObject({ code: 'source_changed', retry: 'never' })
    expect(transfer.failure?.message).toContain('"old"')
    expect(transfer.failure?.message).toContain('"new"')
  })

  it('correctness 14: one answer with another ETag is asked for once more before the file counts as changed', async () => {
    const { transfer } = await run({
      source: () => nthRead(2, () => ({ sizeBytes: SIZE_BYTES, etag: '"another node"' })),
    })
    expect(transfer.metrics.sourceRetries).toBeGreaterThan(0)
  })

  it('correctness 14: ETags that differ for ever pass where the user trusts length and date, and a date that differs does not', async () => {
    const flapping = (lastModified: (index: number) => string) => () => {
      const behaviour: HostileBehaviour = ({ index }) => ({
        sizeBytes: SIZE_BYTES,
        etag: `"node ${index}"`,
        lastModified: lastModified(index),
      })
      return behaviour
    }
    const strict = await run({ source: flapping(() => LAST_MODIFIED), status: 'failed' })
    expect(strict.transfer.failure?.message).toMatch(/trust length and Last-Modified/)
    await run({ source: flapping(() => LAST_MODIFIED), input: { trustLengthAndDate: true } })
    const changed = await run({
      source: flapping((index) => (index < 2 ? LAST_MODIFIED : 'Tue, 03 Nov 2026 10:00:00 GMT')),
      input: { trustLengthAndDate: true },
      status: 'failed',
    })
    expect(changed.transfer.failure).toMatchObject({ code: 'source_changed' })
    expect(changed.transfer.failure?.message).toContain('Last-Modified')
  })

  const expected = (algorithm: 'sha256', hex: string) => ({
    expectedChecksum: { algorithm, value: Buffer.from(hex, 'hex').toString('base64') },
  })

  it.each([
    ['what is at the key is not replaced', 'what was there'],
    ['a free key is never taken', undefined],
  ])('row 16, correctness 16: bytes that change behind the same ETag are caught by a digest: %s', async (_, old) => {
    const swapped: HostileBehaviour = ({ index }) => ({ sizeBytes: SIZE_BYTES, seed: index < 2 ? 0 : 5 })
    const { transfer, codes } = await run({
      source: () => swapped,
      input: { ifExists: old ? 'overwrite' : 'fail', ...expected('sha256', patternSha256(SIZE_BYTES)) },
      ...(old !== undefined && { old }),
      status: 'failed',
      facts: { readsAgain: true },
    })
    expect(codes).toContain('reading_source_again')
    expect(['checksum_mismatch', 'source_changed']).toContain(transfer.failure?.code)
    expect(transfer.failure?.message).toContain('Nothing was written')
  })

  it('A11: a wrong checksum leaves a free key free', async () => {
    const { transfer } = await run({
      source: () => ({ sizeBytes: SIZE_BYTES }),
      input: expected('sha256', patternSha256(SIZE_BYTES, 5)),
      status: 'failed',
      facts: { readsAgain: true },
    })
    expect(transfer.failure).toMatchObject({ code: 'checksum_mismatch', retry: 'never' })
    expect(transfer.failure?.message).toContain('Nothing was written')
  })

  /** All bytes were sent once, so that what is asked for now is for the second read. */
  const wasReadOnce = (key: string) =>
    stack.source
      .requests(faultPath(key))
      .filter(isRead)
      .reduce((sum, { bytesSent }) => sum + bytesSent, 0) >= SIZE_BYTES

  it('a second read that breaks goes on from the byte it reached', async () => {
    let breaks = 0
    const { codes } = await run({
      source: (key) => () =>
        wasReadOnce(key) && ++breaks <= 2
          ? { sizeBytes: SIZE_BYTES, breakAfterBytes: 300_000, breakBy: 'reset' }
          : { sizeBytes: SIZE_BYTES },
      input: expected('sha256', patternSha256(SIZE_BYTES)),
      facts: { readsAgain: true },
    })
    expect(codes).toContain('reading_source_again')
    expect(breaks).toBeGreaterThan(2)
  })

  it('row 28: a transfer that is cancelled during the second read ends at once, and nothing is at its key', async () => {
    const key = `source-${++count}.bin`
    // The second read takes minutes, so that it can be caught in the middle.
    const sourceUrl = stack.source.serve(faultPath(key), () => ({
      sizeBytes: SIZE_BYTES,
      ...(wasReadOnce(key) && { bytesPerSecond: MIB / 16 }),
    }))
    const input = expected('sha256', patternSha256(SIZE_BYTES))
    const transferId = await stack.create({ sourceUrl, partSizeBytes: PART_BYTES, ...input })
    const at = { db: stack.database.db, s3: stack.s3, bucket: 'test', transferId }
    const watch = watchTransfer(at)
    await stack.until(transferId, ({ events }) => events.some(({ code }) => code === 'reading_source_again'))
    await applyAction(stack.database.db, 'cancel', [transferId])
    await stack.waitFor(transferId, 'cancelled')
    const facts = { ...rig.processFacts(), seen: await watch.stop(), moments: [] }
    await assertInvariants({ ...at, ...facts, sha256: patternSha256(SIZE_BYTES), status: 'cancelled' })
    expect(await readObject(stack.s3, 'test', key)).toBeNull()
  })

  it('row 17, correctness 19: an answer that ends early is taken up from the byte it reached', async () => {
    await run({
      source: () => nthRead(2, () => ({ sizeBytes: SIZE_BYTES, breakAfterBytes: 300_000, breakBy: 'end' })),
    })
  })

  it('row 17: an answer that ends early each time fails the transfer, and says at which byte', async () => {
    const endsAt = 1_234_567
    // One part: finished ones would give it another four attempts.
    const sizeBytes = 5 * MIB
    // What begins behind that byte comes whole.
    const isStuck = ({ range }: HostileRequest) => range !== null && range.startByte <= endsAt && range.endByte > endsAt
    const { transfer } = await run({
      sizeBytes,
      source: () => (request) => ({
        sizeBytes,
        ...(isRead(request) &&
          isStuck(request) && { breakAfterBytes: endsAt - (request.range?.startByte ?? 0), breakBy: 'end' }),
      }),
      status: 'failed',
      attempts: 3,
    })
    expect(transfer.failure).toMatchObject({ code: 'source_truncated' })
    expect(transfer.failure?.message).toContain(`byte ${endsAt} of the file`)
  })

  it('row 18, correctness 1 and 2: a 200 to every range is read as one stream, never stitched', async () => {
    const { transfer, codes } = await run({
      source: () => {
        let reads = 0
        return (request) => {
          if (isRead(request)) reads++
          return { sizeBytes: SIZE_BYTES, ranges: reads > 2 ? 'ignored' : 'right' }
        }
      },
      facts: { startsOver: true },
    })
    expect(codes).toContain('started_over')
    expect(transfer.acceptsRanges).toBe(false)
  })

  it('correctness 3: range support that comes back is used again, and the finished parts are kept', async () => {
    const { transfer, codes } = await run({
      source: () => nthRead(5, () => ({ sizeBytes: SIZE_BYTES, ranges: 'ignored' })),
    })
    expect(codes).not.toContain('started_over')
    expect(transfer.acceptsRanges).toBe(true)
  })

  it.each(['wrong-start', 'missing-total'] as const)(
    'row 18, correctness 5 and 6: ranges that are answered with %s are not used',
    async (ranges) => {
      const { transfer } = await run({
        source: () => (request) =>
          request.range === null ? { sizeBytes: SIZE_BYTES } : { sizeBytes: SIZE_BYTES, ranges },
      })
      expect(transfer.acceptsRanges).toBe(false)
      expect(transfer.warnings.map(({ code }) => code)).toContain('no_ranges')
    },
  )

  it('correctness 24: a source that answers 429 at the first contact is asked again, not given up', async () => {
    const { codes } = await run({
      source: () => (request) =>
        request.index < 2 ? { status: 429, body: 'later', headers: { 'retry-after': '1' } } : { sizeBytes: SIZE_BYTES },
      // Where something is to be replaced the source is probed first, and not asked for a small file whole.
      input: { ifExists: 'overwrite' },
      old: 'what was there',
    })
    expect(codes).toContain('waiting')
  })

  it('correctness 9: a source that ignores ranges is asked once in all: its first answer is the one that is read', async () => {
    const { requests } = await run({
      source: () => (request) =>
        request.index === 0 ? { sizeBytes: SIZE_BYTES, ranges: 'ignored' } : { status: 410, body: 'used' },
    })
    expect(requests).toHaveLength(1)
  })

  it('correctness 9: a link that is said to work once is asked once, though it would take ranges', async () => {
    const { requests, transfer } = await run({
      source: () => (request) => (request.index === 0 ? { sizeBytes: SIZE_BYTES } : { status: 403, body: 'used' }),
      input: { oneTimeLink: true },
    })
    expect(requests.map(({ range }) => range)).toEqual([null])
    expect(transfer.warnings.map(({ code }) => code)).toContain('no_ranges')
  })

  it('correctness 18: a compressed answer is stored as it comes, and said to be so', async () => {
    const { transfer } = await run({
      source: () => ({ sizeBytes: SIZE_BYTES, contentEncoding: 'gzip', ranges: 'ignored', length: 'chunked' }),
    })
    expect(transfer.warnings.map(({ code }) => code)).toContain('encoded')
  })

  it('correctness 20: without a length and without chunks the end is not verified, and the transfer says so', async () => {
    const { transfer } = await run({
      source: () => ({ sizeBytes: SIZE_BYTES, ranges: 'ignored', length: 'close' }),
    })
    expect(transfer.warnings.map(({ code }) => code)).toContain('length_not_verified')
  })

  it('correctness 26: a signed target that expires on the way is resolved anew, and the transfer goes on', async () => {
    let signatures = 0
    const { codes } = await run({
      source: (key) => () => {
        const signature = ++signatures
        const signed = `/signed/${key}?sig=${signature}`
        let answers = 0
        // The first signature is good for three answers, all later ones for as many as are asked for.
        stack.source.serve(signed, () =>
          signature === 1 && ++answers > 3 ? { status: 403, body: 'expired' } : { sizeBytes: SIZE_BYTES },
        )
        return redirectTo(signed)
      },
    })
    // One new signature, however many lanes met the expiry.
    expect(signatures).toBe(2)
    expect(codes).not.toContain('waiting')
  })

  it('correctness 34: digests of the source are compared, those of the bytes read before anything is written', async () => {
    const crc32c = await digestOf('crc32c', wholeFile())
    const md5 = await digestOf('md5', wholeFile())
    const right = await run({
      source: () => ({ sizeBytes: SIZE_BYTES, headers: { 'x-goog-hash': `crc32c=${crc32c},md5=${md5}` } }),
    })
    expect(right.transfer.verification).toMatchObject({
      verdict: 'verified',
      evidence: [
        { kind: 'source-digest', algorithm: 'CRC32C' },
        { kind: 'bucket-checksum' },
        { kind: 'size' },
        { kind: 'source-digest-not-compared', algorithm: 'MD5' },
      ],
    })
    const oneStream = await run({
      source: () => ({ sizeBytes: SIZE_BYTES, ranges: 'ignored', headers: { 'content-md5': md5 } }),
    })
    expect(oneStream.transfer.verification?.evidence[0]).toMatchObject({ kind: 'source-digest', algorithm: 'MD5' })
    const wrong = await run({
      source: () => ({ sizeBytes: SIZE_BYTES, headers: { 'x-goog-hash': 'crc32c=AAAAAA==' } }),
      old: 'what was there',
      input: { ifExists: 'overwrite' },
      status: 'failed',
    })
    expect(wrong.transfer.failure).toMatchObject({ code: 'checksum_mismatch' })
    expect(wrong.transfer.failure?.message).toContain('x-goog-hash')
  })

  it('row 19: a bit that flips on the way from the source is caught by a digest of the source, and nothing is replaced', async () => {
    const crc32c = await digestOf('crc32c', wholeFile())
    const headers = { 'x-goog-hash': `crc32c=${crc32c}` }
    let reads = 0
    const { transfer } = await run({
      source: () => (request) => ({ sizeBytes: SIZE_BYTES, headers, seed: isRead(request) && ++reads === 2 ? 3 : 0 }),
      old: 'what was there',
      input: { ifExists: 'overwrite' },
      status: 'failed',
    })
    expect(transfer.failure).toMatchObject({ code: 'checksum_mismatch' })
    expect(transfer.failure?.message).toContain(crc32c)
  })

  it('a file that is named as ZIP and is none is a remark on the transfer', async () => {
    const named = await run({ source: () => ({ sizeBytes: SIZE_BYTES }), input: { key: 'pictures.zip' } })
    expect(named.transfer.warnings.map(({ code }) => code)).toContain('not_a_zip')
  })

  async function* wholeFile() {
    yield patternBytes(0, SIZE_BYTES)
  }
})
