import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineStack, startEngineStack } from '../../../e2e/stack/engine-stack.ts'
import { MIB } from '../../server/domain/bytes.ts'
import { patternSha256 } from '../testing/byte-pattern.ts'

describe('an engine with little memory', () => {
  let stack: EngineStack
  beforeAll(async () => {
    stack = await startEngineStack()
    await stack.startEngine({ SLUICE_MEMORY_BUDGET: '16MiB' })
  })
  afterAll(() => stack.close())

  it('sees ten transfers of all shapes through at once', async () => {
    const sizes = [0, 1, 7 * MIB, 20 * MIB, 9 * MIB + 3]
    const wanted = sizes.flatMap((sizeBytes, index) => [
      { path: `/ranges-${index}.bin`, sizeBytes, answer: {}, lanes: index === 0 ? 1 : 10 },
      {
        path: `/stream-${index}.bin`,
        sizeBytes,
        answer:
          index % 2 === 0 ? { ranges: 'ignored' as const } : { ranges: 'ignored' as const, length: 'chunked' as const },
        lanes: index === 3 ? 1 : 4,
      },
    ])
    const ids = await Promise.all(
      wanted.map(({ path, sizeBytes, answer, lanes }) =>
        stack.create({ sourceUrl: stack.source.serve(path, { sizeBytes, ...answer }), lanes, partSizeBytes: 8 * MIB }),
      ),
    )
    for (const [index, id] of ids.entries()) {
      const { path, sizeBytes } = wanted[index] ?? { path: '', sizeBytes: 0 }
      const done = await stack.waitFor(id, 'completed', 'failed')
      expect(done.failure).toBeNull()
      expect(await stack.objectSha256(path.slice(1))).toBe(patternSha256(sizeBytes))
    }
    expect(await stack.openUploads()).toEqual([])
  })

  it('frees its memory for others when a source is gone while its parts wait for room', async () => {
    let requests = 0
    // Of sixteen parts: where answers begin late, a request is for a whole one, and two would be over before the ninth.
    const dying = stack.source.serve('/dying.bin', () =>
      ++requests > 8 ? { status: 404 } : { sizeBytes: 512 * MIB, bytesPerSecond: 4 * MIB },
    )
    const id = await stack.create({ sourceUrl: dying, partSizeBytes: 32 * MIB })
    const alive = await stack.create({
      sourceUrl: stack.source.serve('/alive.bin', { sizeBytes: 20 * MIB }),
      partSizeBytes: 8 * MIB,
    })
    expect((await stack.waitFor(id, 'failed', 'completed')).failure?.code).toBe('source_not_found')
    expect((await stack.waitFor(alive, 'completed', 'failed')).failure).toBeNull()
  })

  it('gives up a stream that breaks again and again, instead of reading it for ever', async () => {
    const answer = { sizeBytes: 14 * MIB, ranges: 'ignored', breakAfterBytes: 13 * MIB, breakBy: 'reset' } as const
    const id = await stack.create({ sourceUrl: stack.source.serve('/breaking.bin', answer), partSizeBytes: 6 * MIB })
    const failed = await stack.waitFor(id, 'failed', 'completed')
    expect(failed.failure?.retry).toBe('now')
    expect(failed.events.filter((event) => event.code === 'started_over')).toHaveLength(5)
  })
})
