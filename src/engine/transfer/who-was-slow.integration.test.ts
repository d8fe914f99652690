import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { createObjectStoreServer } from '../../embedded/object-store/server.ts'
import { reportByTransfer } from '../../server/db/reports.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { limitVerdict } from '../../server/domain/report/time-split.ts'
import { createLog } from '../../server/log.ts'

// A real engine between a source and a bucket of which one is slow on purpose: the report has to name that one. So slow that the
// processor is idle nearly all the time, also one that other programs leave little of.

const KEYS = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' }
const FOUR_LANES = { SLUICE_READ_LANES: '4' }

describe('the report of a run names', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  const reportOf = async (stack: EngineStack, id: string) => {
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    return reportByTransfer(stack.database.db, id)
  }

  it('the source where its connections are paced, and the bandwidth limit where there is one', async () => {
    const stack = await startEngineStack()
    closers.push(() => stack.close())
    await stack.startEngine(FOUR_LANES)
    const paced = stack.source.serve('/paced.bin', { sizeBytes: 12 * MIB, bytesPerSecond: MIB / 2 })
    const bySource = await reportOf(stack, await stack.create({ sourceUrl: paced, partSizeBytes: 6 * MIB }))
    expect(limitVerdict(bySource.timeSplit)).toMatchObject({ kind: 'source' })
    expect(bySource.settings.run).toMatchObject({ readLanes: 4, httpClient: 'lean' })

    const free = stack.source.serve('/free.bin', { sizeBytes: 12 * MIB })
    const id = await stack.create({ sourceUrl: free, bandwidthLimitBytesPerSecond: 2 * MIB, partSizeBytes: 6 * MIB })
    const byLimit = await reportOf(stack, id)
    expect(limitVerdict(byLimit.timeSplit)).toMatchObject({ kind: 'rate' })
    expect(byLimit.advice.map(({ explainedAt }) => explainedAt)).toContain('the-bandwidth-limit-was-the-limit')
  })

  it('the bucket where that takes bytes slowly', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-slow-store-'))
    const log = createLog('engine', 'silent')
    const store = await createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, region: 'us-east-1', log, ...KEYS })
    closers.push(
      () => rmSync(dir, { recursive: true, force: true }),
      () => store.close(),
    )
    const endpoint = await slowProxy(Number(new URL(store.url).port), MIB)
    const stack = await startEngineStack({ endpoint, region: 'us-east-1', ...KEYS })
    closers.push(() => stack.close())
    await stack.startEngine(FOUR_LANES)
    const sourceUrl = stack.source.serve('/to-slow.bin', { sizeBytes: 20 * MIB })
    const report = await reportOf(stack, await stack.create({ sourceUrl, partSizeBytes: 5 * MIB, lanes: 2 }))
    expect(limitVerdict(report.timeSplit)).toMatchObject({ kind: 'bucket' })
    expect(report.sentences[1]).toMatch(/^The bucket was the limit/)
  })

  /** Passes bytes on to a port of this machine, each connection's at so many a second. */
  async function slowProxy(port: number, bytesPerSecond: number): Promise<string> {
    const server = createServer((client) => {
      const store = connect(port, '127.0.0.1')
      client.on('data', (chunk) => {
        store.write(chunk)
        client.pause()
        setTimeout(() => client.resume(), (chunk.length / bytesPerSecond) * 1000)
      })
      store.on('data', (chunk) => client.write(chunk))
      for (const [one, other] of [
        [client, store],
        [store, client],
      ] as const)
        one.on('close', () => other.destroy()).on('error', () => other.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
})
