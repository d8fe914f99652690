import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'

describe('read lanes', () => {
  let stack: EngineStack
  beforeEach(async () => {
    stack = await startEngineStack()
  })
  afterEach(() => stack.close())

  const learned = async () =>
    (await stack.database.db.origin.findFirst({ select: { learnedLanes: true } }))?.learnedLanes

  it('become many where each connection is paced, never more than 64, and the number is remembered', async () => {
    await stack.startEngine()
    const sizeBytes = 80 * MIB
    // Source, bucket and engine are one thread here, and one that is busy takes no more lanes: at this pace 64 of them are a fraction of it.
    // Eight lanes would need 40 s, so that one measurement which a stall has spoiled is followed by others; once they are many, it goes faster.
    let areFew = true
    const sourceUrl = stack.source.serve('/paced.bin', { sizeBytes, bytesPerSecond: () => (areFew ? MIB / 4 : MIB) })
    const id = await stack.create({ sourceUrl })
    await stack.until(id, ({ metrics, status }) => metrics.peakReadLanes > 16 || status === 'completed')
    areFew = false
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.peakReadLanes).toBeGreaterThan(16)
    expect(done.metrics.peakReadLanes).toBeLessThanOrEqual(64)
    // Where the engine hung up, the source may see the next connection before the end of that one.
    const hungUp = stack.source.requests('/paced.bin').filter(({ range, bytesSent }) => {
      return range !== null && bytesSent < Math.min(range.endByte, sizeBytes) - range.startByte
    })
    expect(stack.source.connections().peak).toBeLessThanOrEqual(64 + hungUp.length)
    expect(await learned()).toBeGreaterThan(8)
    expect(await stack.objectSha256('paced.bin')).toBe(patternSha256(sizeBytes))
  })

  it('settle where a source answers 429 above 5: no part fails, no attempt is counted, an event tells it', async () => {
    await stack.startEngine()
    const sizeBytes = 64 * MIB
    // Fewer than any engine starts with: a busy one opens no more.
    const sourceUrl = stack.source.serve('/limited.bin', { sizeBytes, bytesPerSecond: 4 * MIB, maxConcurrent: 5 })
    const id = await stack.create({ sourceUrl })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.partRetries).toBe(0)
    const row = await stack.database.db.transfer.findUniqueOrThrow({ where: { id }, select: { attempts: true } })
    expect(row.attempts).toBe(0)
    expect(done.events.map(({ code }) => code)).not.toContain('waiting')
    const told = done.events.filter(({ code }) => code === 'source_busy')
    // On a busy machine it may last long enough for the lanes to be raised, and refused, once more.
    expect(told.length).toBeGreaterThan(0)
    expect(told.length).toBeLessThanOrEqual(1 + done.metrics.activeMs / 10_000)
    expect(told.at(-1)?.message).toMatch(/^The source answered 429: read lanes \d+ → \d+\.$/)
    expect(await learned()).toBeLessThanOrEqual(6)
    expect(await stack.objectSha256('limited.bin')).toBe(patternSha256(sizeBytes))
  })

  it('are shared by the transfers of one origin', async () => {
    await stack.startEngine({ SLUICE_READ_LANES: '6' })
    const sizeBytes = 24 * MIB
    const urls = [1, 2, 3].map((n) => stack.source.serve(`/shared-${n}.bin`, { sizeBytes, bytesPerSecond: 4 * MIB }))
    const ids = await Promise.all(urls.map((sourceUrl) => stack.create({ sourceUrl })))
    for (const id of ids) expect((await stack.waitFor(id, 'completed', 'failed')).failure).toBeNull()
    // Probes are not lanes: each of the three may be beside them.
    expect(stack.source.peakRequests()).toBeLessThanOrEqual(6 + 3)
  })

  it.each([
    ['answers 403 to connections beyond four', { status: 403 }],
    ['ends the answers of connections beyond four in the middle', { endAfterBytes: 100_000 }],
  ] as const)('correctness 24: become fewer where a source %s, and the transfer goes on', async (_, surplus) => {
    await stack.startEngine()
    const sizeBytes = 48 * MIB
    const sourceUrl = stack.source.serve('/few.bin', { sizeBytes, bytesPerSecond: 4 * MIB, maxConcurrent: 4, surplus })
    const id = await stack.create({ sourceUrl })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.partRetries).toBe(0)
    expect(done.metrics.sourceRetries).toBeGreaterThan(0)
    expect(done.events.map(({ code }) => code)).not.toContain('waiting')
    expect(await learned()).toBeLessThanOrEqual(5)
    expect(await stack.objectSha256('few.bin')).toBe(patternSha256(sizeBytes))
  })

  it('correctness 24: a link that expires on the way fails the transfer soon, with what to do about it', async () => {
    await stack.startEngine()
    const sizeBytes = 100 * MIB
    const sourceUrl = stack.source.serve('/signed.bin', ({ index }) =>
      index < 12 ? { sizeBytes, bytesPerSecond: 16 * MIB } : { status: 403, body: 'expired' },
    )
    // Twenty parts are twenty requests at least, however few lanes there are and however long their requests.
    const id = await stack.create({ sourceUrl, partSizeBytes: 5 * MIB })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toMatchObject({ code: 'source_forbidden' })
    expect(done.failure?.message).toContain('A signed link may have expired')
  })

  it('all wait as long as the source asks', async () => {
    await stack.startEngine()
    const sizeBytes = 48 * MIB
    let refusedMs = 0
    let isKnown = false
    let earlyRequests = 0
    const pingUrl = stack.source.serve('/ping', { sizeBytes: 1 })
    // What was on its way when the refusal came is no disobedience: it has arrived when others have come and gone since.
    const learn = async () => {
      for (let ping = 0; ping < 5; ping++) await (await fetch(pingUrl)).text()
      isKnown = true
    }
    const sourceUrl = stack.source.serve('/wait.bin', ({ index }) => {
      if (index === 6) {
        refusedMs = performance.now()
        void learn()
        return { status: 429, body: 'later', headers: { 'retry-after': '2' } }
      }
      if (isKnown && performance.now() - refusedMs < 1_900) earlyRequests++
      return { sizeBytes, bytesPerSecond: 4 * MIB }
    })
    const id = await stack.create({ sourceUrl, partSizeBytes: 5 * MIB })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(isKnown).toBe(true)
    expect(earlyRequests).toBe(0)
  })

  it('hold no more than the budget, however many they are', async () => {
    await stack.startEngine({ SLUICE_MEMORY_BUDGET: '32MiB', SLUICE_READ_LANES: '64' })
    const sizeBytes = 200 * MIB
    const sourceUrl = stack.source.serve('/tight.bin', { sizeBytes, bytesPerSecond: 8 * MIB })
    const id = await stack.create({ sourceUrl, partSizeBytes: 50 * MIB })
    const done = await stack.waitFor(id, 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.peakReadLanes).toBeGreaterThan(10)
    // A lane for each slice of the budget; a race for a slice that is slow is a second lane, but no second buffer.
    expect(done.metrics.peakReadLanes).toBeLessThanOrEqual(32 + 4)
    expect(done.metrics.buffersAllocated).toBeLessThanOrEqual(32)
    expect(await stack.objectSha256('tight.bin')).toBe(patternSha256(sizeBytes))
  })

  it('help a connection that stands still at the end, long before its idle timeout', async () => {
    // Were it not helped, it would wait for an hour.
    await stack.startEngine({ SLUICE_IDLE_TIMEOUT_MS: '3600000' })
    const sizeBytes = 8 * MIB
    let hasStalled = false
    const sourceUrl = stack.source.serve('/stalled.bin', ({ range }) => {
      if (hasStalled || range?.endByte !== sizeBytes) return { sizeBytes }
      hasStalled = true
      return { sizeBytes, breakAfterBytes: MIB / 2 + 1, breakBy: 'stall' }
    })
    const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(hasStalled).toBe(true)
    expect(done.metrics.sourceRetries).toBe(0)
    expect(await stack.objectSha256('stalled.bin')).toBe(patternSha256(sizeBytes))
  })

  it('go on through a mix of 500 and 503, and the transfer never waits in the queue', async () => {
    await stack.startEngine()
    const sizeBytes = 96 * MIB
    const sourceUrl = stack.source.serve('/flaky.bin', ({ index }) =>
      index > 0 && index % 7 === 3
        ? { status: index % 2 ? 503 : 500, body: 'busy' }
        : { sizeBytes, bytesPerSecond: 16 * MIB },
    )
    const done = await stack.waitFor(await stack.create({ sourceUrl }), 'completed', 'failed')
    expect(done.failure).toBeNull()
    expect(done.metrics.sourceRetries).toBeGreaterThan(0)
    expect(done.events.map(({ code }) => code)).not.toContain('waiting')
    expect(await stack.objectSha256('flaky.bin')).toBe(patternSha256(sizeBytes))
  })
})
