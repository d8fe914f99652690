import { PutObjectCommand } from '@aws-sdk/client-s3'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import type { HostileBehaviour } from '../../src/engine/testing/hostile-behaviour.ts'
import type { StoreBehaviour, StoreOperation, StoreRequest } from '../../src/engine/testing/store-fault.ts'
import type { TransferDetail } from '../../src/server/domain/transfer.ts'
import type { TransferInput } from '../../src/server/domain/transfer-input.ts'
import { type FaultyStack, STORE_SECRET, startFaultyStack } from '../stack/faulty-stack.ts'
import { assertInvariants, type ChaosFacts, type MeasuredProcess, type ProcessFacts, readObject } from './invariants.ts'
import { LedgerMoments } from './ledger-moments.ts'
import { measureProcess } from './measured-process.ts'
import { watchTransfer } from './watch-transfer.ts'

/** What each link carries, and no log may. */
const LINK_CANARY = 'fault-link-canary'
const BUCKET = 'test'

/** One transfer under a fault. */
export interface FaultCase {
  readonly key: string
  readonly source: HostileBehaviour
  readonly sizeBytes: number
  readonly partSizeBytes: number
  readonly store?: StoreBehaviour
  readonly input?: Partial<TransferInput>
  /** What is at the key before. */
  readonly old?: string
  readonly status?: 'completed' | 'failed'
  /** Attempts that brought nothing it begins with, so that a fault that lasts ends it soon. */
  readonly attempts?: number
  readonly facts?: Partial<ChaosFacts>
  /** What somebody else puts at the key on the way, once it is there. */
  readonly written?: () => Promise<ChaosFacts['written']>
}

export interface FaultOutcome {
  readonly transfer: TransferDetail
  readonly codes: readonly string[]
  /** Path of the source, as `stack.source` knows it. */
  readonly path: string
  requests(): ReturnType<FaultyStack['stack']['source']['requests']>
  of(operation: StoreOperation): StoreRequest[]
}

/** An engine between a source and a store that misbehave, in this process. */
export interface FaultRig extends FaultyStack {
  /** Moves one file and judges it by the shared invariants, all of them. */
  run(one: FaultCase): Promise<FaultOutcome>
  /** What a case that goes its own way is judged by too. */
  processFacts(): ProcessFacts
}

/** Where the source of a case is asked. */
export const faultPath = (key: string) => `/${key}?signature=${LINK_CANARY}`

/** Starts it, with an engine that has moved one file: the bucket is tested, its connections are there, and this is the base of I6. */
export async function startFaultRig(env: Record<string, string> = {}): Promise<FaultRig> {
  const rig = await startFaultyStack()
  const { stack, faulty, direct } = rig
  await stack.startEngine(env)
  const sourceUrl = stack.source.serve('/first.bin', { sizeBytes: 1000 })
  await stack.waitFor(await stack.create({ sourceUrl }), 'completed')
  const measured: MeasuredProcess = measureProcess('the process of the engine', process.pid, 2)

  const processFacts = (): ProcessFacts => ({
    logs: stack.logs(),
    canaries: [STORE_SECRET, LINK_CANARY],
    processes: [measured],
    openRequests: () => [...stack.source.requests(), ...faulty.requests()].filter(({ isOpen }) => isOpen).length,
  })

  const run: FaultRig['run'] = async (one) => {
    const { source, sizeBytes, partSizeBytes, store, input = {}, old, status = 'completed', facts = {} } = one
    const key = input.key ?? one.key
    const path = faultPath(one.key)
    const sourceUrl = stack.source.serve(path, source)
    if (old !== undefined) await direct.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: old }))
    const previous = await readObject(direct, BUCKET, key)
    const before = faulty.requests().length
    const of = (operation: StoreOperation) =>
      faulty
        .requests()
        .slice(before)
        .filter((request) => request.operation === operation && request.key === key)
    faulty.behave(store ?? null)
    const transferId = await stack.create({ sourceUrl, key, partSizeBytes, ...input })
    const { attempts } = one
    if (attempts !== undefined)
      await stack.database.db.transfer.update({ where: { id: transferId }, data: { attempts } })
    const at = { db: stack.database.db, s3: direct, bucket: BUCKET, transferId }
    const requests = () => stack.source.requests(path)
    const traffic = { asked: requests, sent: () => of('UploadPart') }
    const moments = new LedgerMoments(at.db, transferId, traffic)
    const watch = watchTransfer({ ...at, moments })
    const transfer = await stack.waitFor(transferId, 'completed', 'failed')
    const seen = await watch.stop()
    faulty.behave(null)
    await assertInvariants({
      ...at,
      sha256: patternSha256(sizeBytes),
      previous,
      written: (await one.written?.()) ?? null,
      status,
      seen,
      moments: moments.all(),
      ...processFacts(),
      ...facts,
    })
    return { transfer, codes: transfer.events.map(({ code }) => code), path, requests, of }
  }
  return { ...rig, run, processFacts }
}
