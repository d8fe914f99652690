import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SLOW_DOWN, type StoreBehaviour, type StoreRequest } from '../../src/engine/testing/store-fault.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { TransferInput } from '../../src/server/domain/transfer-input.ts'
import { type FaultRig, startFaultRig } from './fault-runner.ts'
import { type ChaosFacts, readObject } from './invariants.ts'

const SIZE_BYTES = 20 * MIB
const PART_BYTES = 6 * MIB
/** What somebody else puts at the key meanwhile; as long as the file, so that length alone cannot tell them apart. */
const OTHERS = Buffer.alloc(SIZE_BYTES, 7)

/** Rows 7 to 12 of the chaos list, and row 2 where the engine lives: a bucket that misbehaves. */
describe('a bucket that misbehaves', () => {
  let rig: FaultRig
  let count = 0
  beforeAll(async () => {
    rig = await startFaultRig()
  })
  afterEach(() => rig.faulty.behave(null))
  afterAll(() => rig.close())

  const complete = (request: StoreRequest) => request.operation === 'CompleteMultipartUpload'

  interface Run {
    readonly fault: (first: number) => StoreBehaviour
    readonly input?: Partial<TransferInput>
    readonly sizeBytes?: number
    readonly before?: (key: string) => Promise<unknown>
    readonly status?: 'completed' | 'failed'
    readonly facts?: Partial<ChaosFacts>
    /** Whether somebody else writes the key on the way. */
    readonly isWritten?: boolean
  }

  /** One transfer of four parts under a fault, and the standing invariants after it. `first`: the index of its first Complete. */
  async function run({ fault, sizeBytes = SIZE_BYTES, before, isWritten = false, ...rest }: Run) {
    const key = `fault-${++count}.bin`
    await before?.(key)
    const source = { sizeBytes, etag: `"${key}"` }
    const store = fault(rig.faulty.requests('CompleteMultipartUpload').length)
    const written = async () => {
      if (!isWritten) return null
      const Key = `${key}.written`
      await rig.direct.send(new PutObjectCommand({ Bucket: 'test', Key, Body: OTHERS }))
      return readObject(rig.direct, 'test', Key)
    }
    const one = await rig.run({ key, source, store, sizeBytes, partSizeBytes: PART_BYTES, written, ...rest })
    return { ...one, key }
  }

  it('row 7, correctness 36: a lost answer to Complete is settled by looking at the object, and nothing is sent again', async () => {
    const { of, transfer } = await run({
      fault: (first) => (request) => (complete(request) && request.index === first ? { kind: 'lose-reply' } : null),
    })
    expect(of('CompleteMultipartUpload')).toHaveLength(1)
    expect(of('UploadPart')).toHaveLength(4)
    expect(transfer.verification?.verdict).toBe('verified')
  })

  it('row 7: where the look fails too, a second Complete is a success or NoSuchUpload, and the object still decides', async () => {
    for (const secondCode of [null, 'NoSuchUpload']) {
      const { of } = await run({
        fault: (first) => {
          let heads = 0
          return (request) => {
            if (complete(request) && request.index === first) return { kind: 'lose-reply' }
            if (complete(request) && secondCode) return { kind: 'refuse', status: 404, code: secondCode }
            const isLook =
              request.operation === 'HeadObject' && rig.faulty.requests('CompleteMultipartUpload').length > first
            // The SDK asks three times before it says that it cannot see the object.
            if (isLook && heads++ < 3) return { kind: 'refuse', status: 500, code: null }
            return null
          }
        },
      })
      expect(of('CompleteMultipartUpload').length).toBeGreaterThan(1)
      expect(of('UploadPart')).toHaveLength(4)
    }
  })

  it('row 8, correctness 36: a 200 with an error in its body is no success; it is asked for again', async () => {
    const { of } = await run({
      fault: (first) => (request) =>
        complete(request) && request.index < first + 2 ? { kind: 'error-in-200', code: 'InternalError' } : null,
    })
    expect(of('CompleteMultipartUpload')).toHaveLength(3)
    expect(of('UploadPart')).toHaveLength(4)
  })

  it('row 9: a 409 starts a new upload and sends all parts again, and the old upload is gone', async () => {
    const { of, transfer } = await run({
      fault: (first) => (request) =>
        complete(request) && request.index === first
          ? { kind: 'refuse', status: 409, code: 'ConditionalRequestConflict' }
          : null,
      facts: { startsOver: true },
    })
    expect(of('CreateMultipartUpload')).toHaveLength(2)
    expect(of('UploadPart')).toHaveLength(8)
    expect(transfer.events.map((event) => event.code)).toContain('started_over')
  })

  it('row 9: a 412 says that the key is taken, keeps what is there, and leaves no upload', async () => {
    const { transfer } = await run({
      // Somebody writes the key while the parts are on their way: after the first look, before Complete.
      fault: () => (request) =>
        request.operation === 'UploadPart' && request.partNumber === 4
          ? {
              kind: 'hold',
              until: rig.direct.send(new PutObjectCommand({ Bucket: 'test', Key: request.key, Body: OTHERS })),
            }
          : null,
      status: 'failed',
      isWritten: true,
    })
    expect(transfer.failure).toMatchObject({ code: 'key_exists', retry: 'never' })
  })

  it('row 10: NoSuchUpload with another object at the key is no success; it starts over', async () => {
    const { of } = await run({
      fault: (first) => (request) =>
        complete(request) && request.index === first
          ? {
              kind: 'hold',
              until: (async () => {
                const { key: Key, uploadId } = request
                await rig.direct.send(new PutObjectCommand({ Bucket: 'test', Key, Body: OTHERS }))
                const abort = { Bucket: 'test', Key, UploadId: uploadId ?? '' }
                await rig.direct.send(new AbortMultipartUploadCommand(abort))
              })(),
            }
          : null,
      input: { ifExists: 'overwrite' },
      facts: { startsOver: true },
      isWritten: true,
    })
    expect(of('CreateMultipartUpload')).toHaveLength(2)
    expect(of('UploadPart')).toHaveLength(8)
  })

  it('row 11, correctness 42: "slow down" slows the bucket as a whole, and costs no part an attempt', async () => {
    const { transfer, of } = await run({
      fault: () => {
        let refused = 0
        return (request) => (request.operation === 'UploadPart' && refused++ < 8 ? SLOW_DOWN : null)
      },
    })
    expect(transfer.events.map((event) => event.code)).not.toContain('waiting')
    const refused = of('UploadPart').filter((request) => request.status === 503)
    expect(refused).toHaveLength(8)
    // After the first burst no more than one or two lanes try the door again at once, each time later.
    const bursts = refused.slice(4).map((request, index, all) => request.atMs - (all[index - 1]?.atMs ?? 0))
    expect(bursts.slice(1).some((gapMs) => gapMs > 200)).toBe(true)
  })

  it('row 12: one request in twenty fails, and all arrives with few extra requests', async () => {
    const { of } = await run({
      fault: () => {
        let seen = 0
        return (request) => {
          if (request.operation !== 'UploadPart') return null
          seen++
          if (seen % 20 === 7) return SLOW_DOWN
          return seen % 20 === 17 ? { kind: 'refuse', status: 500, code: 'InternalError' } : null
        }
      },
      sizeBytes: 20 * PART_BYTES,
    })
    const failed = of('UploadPart').filter((request) => request.status >= 500)
    expect(failed.length).toBeGreaterThan(0)
    expect(of('UploadPart')).toHaveLength(20 + failed.length)
    expect(failed.length).toBeLessThanOrEqual(3)
  })

  it('row 13, correctness 38: a reset in the middle of a part costs that part alone', async () => {
    const { of } = await run({
      fault: () => {
        let isReset = false
        return (request) => {
          if (request.operation !== 'UploadPart' || request.partNumber !== 2 || isReset) return null
          isReset = true
          return { kind: 'reset-upload', afterBytes: 3 * MIB }
        }
      },
    })
    expect(
      of('UploadPart')
        .map((request) => request.partNumber)
        .sort(),
    ).toEqual([1, 2, 2, 3, 4])
  })

  it('row 19: a bit that flips on the way to the bucket is refused by its checksum, and the part is sent again', async () => {
    const { of } = await run({
      fault: () => {
        let isFlipped = false
        return (request) => {
          if (request.operation !== 'UploadPart' || request.partNumber !== 3 || isFlipped) return null
          isFlipped = true
          return { kind: 'corrupt-upload', atByte: 1_234_567 }
        }
      },
    })
    expect(
      of('UploadPart')
        .map((request) => request.partNumber)
        .sort(),
    ).toEqual([1, 2, 3, 3, 4])
  })

  it('row 2, correctness 41: an upload whose start was answered into nothing is found and removed, one of somebody else is not', async () => {
    const { key } = await run({
      before: (Key) => rig.direct.send(new CreateMultipartUploadCommand({ Bucket: 'test', Key: `${Key}.other` })),
      fault: () => {
        let isLost = false
        return (request) => {
          if (request.operation !== 'CreateMultipartUpload' || isLost) return null
          isLost = true
          return { kind: 'lose-reply' }
        }
      },
    })
    const { Uploads = [] } = await rig.direct.send(new ListMultipartUploadsCommand({ Bucket: 'test' }))
    expect(Uploads.map((upload) => upload.Key)).toEqual([`${key}.other`])
    const [foreign] = Uploads
    await rig.direct.send(
      new AbortMultipartUploadCommand({ Bucket: 'test', Key: foreign?.Key, UploadId: foreign?.UploadId }),
    )
  })
})
