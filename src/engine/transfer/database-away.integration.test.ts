import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { startTcpProxy, type TcpProxy } from '../../../e2e/stack/tcp-proxy.ts'
import { until } from '../../../e2e/stack/until.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'

const SIZE_BYTES = 72 * MIB
const SHAPE = { partSizeBytes: 6 * MIB, lanes: 2 }
/** From here on bytes hardly come until they are let go. */
const HELD_FROM_BYTE = 8 * MIB
const HARDLY = MIB / 64
/** The longest there is: it does not end, however slow the machine is. */
const LONG_LEASE = { SLUICE_LEASE_MS: '600000' }

describe('an engine whose database goes away', () => {
  let stack: EngineStack
  let proxy: TcpProxy
  let url: string
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  beforeEach(async () => {
    stack = await startEngineStack()
    const direct = new URL(stack.database.url)
    proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port || 5432) })
    direct.host = `127.0.0.1:${proxy.port}`
    url = direct.href
    unhandled.length = 0
    process.on('unhandledRejection', note)
  })
  afterEach(async () => {
    process.off('unhandledRejection', note)
    proxy.mend()
    await stack.close()
    await proxy.close()
  })

  /** A file whose first part comes as fast as it goes, and the later ones not before they are let go. */
  const serveHeld = (path: string) => {
    let isHeld = true
    const sourceUrl = stack.source.serve(path, ({ range }) => ({
      sizeBytes: SIZE_BYTES,
      bytesPerSecond: () => (isHeld && (range?.startByte ?? 0) >= HELD_FROM_BYTE ? HARDLY : null),
    }))
    const letGo = () => {
      isHeld = false
    }
    return { sourceUrl, letGo }
  }
  /** The engine has tried to write down what it has done, in vain: it does so each second. */
  const untilMissed = () => until('a write in vain', () => stack.logs().includes('Progress could not be written'))

  it('for less than its lease goes on, and sends no part twice', async () => {
    await stack.startEngine(LONG_LEASE, url)
    const { sourceUrl, letGo } = serveHeld('/short.bin')
    const id = await stack.create({ sourceUrl, ...SHAPE })
    await stack.until(id, (transfer) => transfer.partsDone >= 1)
    proxy.cut()
    // What it has claimed by now gets to the bucket meanwhile, and can be written down by nobody.
    letGo()
    await untilMissed()
    proxy.mend()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.bucketBytes).toBe(SIZE_BYTES)
    expect(done.events.map((event) => event.code)).not.toContain('started_over')
    expect(await stack.objectSha256('short.bin')).toBe(patternSha256(SIZE_BYTES))
    expect(unhandled).toEqual([])
  })

  it('while a stream of unknown length ends keeps what it has read', async () => {
    await stack.startEngine(LONG_LEASE, url)
    const sizeBytes = 12 * MIB
    let isHeld = true
    const sourceUrl = stack.source.serve('/stream.bin', (request) => ({
      ...{ sizeBytes, ranges: 'ignored', length: 'chunked' },
      bytesPerSecond: () => (isHeld && request.bytesSent >= HELD_FROM_BYTE ? HARDLY : null),
    }))
    const id = await stack.create({ sourceUrl, ...SHAPE })
    await stack.until(id, (transfer) => transfer.partsDone >= 1)
    proxy.cut()
    isHeld = false
    await stack.source.until(() => stack.source.bytesSent('/stream.bin') === sizeBytes)
    await untilMissed()
    proxy.mend()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.sourceRequests).toBe(1)
    expect(await stack.objectSha256('stream.bin')).toBe(patternSha256(sizeBytes))
    expect(unhandled).toEqual([])
  })

  it('for longer than its lease stops by itself, and another engine goes on from the ledger', async () => {
    const first = await stack.startEngine({ SLUICE_LEASE_MS: '3000' }, url)
    const { sourceUrl } = serveHeld('/long.bin')
    const id = await stack.create({ sourceUrl, ...SHAPE })
    await stack.until(id, (transfer) => transfer.partsDone >= 1)
    proxy.cut()
    await expect.poll(() => stack.source.requests('/long.bin').filter((one) => one.isOpen).length).toBe(0)
    stack.source.serve('/long.bin', { sizeBytes: SIZE_BYTES })
    await stack.startEngine()
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(await stack.objectSha256('long.bin')).toBe(patternSha256(SIZE_BYTES))
    expect(unhandled).toEqual([])
    const stoppingMs = performance.now()
    await first.stop()
    expect(performance.now() - stoppingMs).toBeLessThan(20_000)
  })
})
