import { expect, it } from 'vitest'
import type { SliceKey } from './slice-cache.ts'
import { keyOf } from './testing/slices.ts'
import { WriteQueue } from './write-queue.ts'

/** A queue whose writes end when the test says so, over a memory that the test fills and empties. */
function slowQueue(limit: number) {
  const log: string[] = []
  const gates = new Map<number, () => void>()
  const memory = new Map<number, Uint8Array>()
  let nowMs = 0
  const queue = new WriteQueue({
    limit,
    write: async ({ key, content }) => {
      await new Promise<void>((resolve) => gates.set(key.index, resolve))
      const isRight = 'bytes' in content && content.bytes[0] === key.index
      log.push(`wrote ${key.index}${isRight ? '' : ' wrong'}`)
    },
    recall: (key) => memory.get(key.index) ?? null,
    over: (key) => void log.push(`over ${key.index}`),
    nowMs: () => nowMs,
  })
  const key = (index: number): SliceKey => keyOf(index < 100 ? 'film' : 'book', index)
  return {
    queue,
    log,
    memory,
    key,
    offer(...indices: number[]) {
      for (const index of indices) {
        const bytes = new Uint8Array([index])
        memory.set(index, bytes)
        queue.offer({ key: key(index), storedAtMs: 1, isForAll: true, content: { bytes } })
      }
    },
    async finish(...indices: number[]) {
      for (const index of indices) {
        await expect.poll(() => gates.has(index)).toBe(true)
        gates.get(index)?.()
        await expect.poll(() => log.includes(`over ${index}`)).toBe(true)
      }
    },
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

it('never holds the bytes of more than its limit, and writes what came on top once there is room, in order', async () => {
  const { queue, log, offer, finish } = slowQueue(5)
  offer(0, 1, 2, 3, 4, 5, 6)
  expect(queue).toMatchObject({ depth: 5, remembered: 2, dropped: 0 })
  for (const index of [0, 1, 2, 3, 4, 5, 6]) {
    expect(queue.depth).toBeLessThanOrEqual(5)
    await finish(index)
  }
  await queue.idle()
  expect(queue).toMatchObject({ depth: 0, remembered: 0, dropped: 0 })
  expect(log).toEqual([0, 1, 2, 3, 4, 5, 6].flatMap((index) => [`wrote ${index}`, `over ${index}`]))
})

it('leaves out and counts what memory has let go of before its turn', async () => {
  const { queue, log, memory, offer, finish } = slowQueue(2)
  offer(0, 1, 2, 3, 4)
  memory.delete(2)
  memory.delete(3)
  await finish(0, 1, 4)
  await queue.idle()
  expect(log.filter((line) => line.startsWith('wrote'))).toEqual(['wrote 0', 'wrote 1', 'wrote 4'])
  expect(log.filter((line) => line.startsWith('over')).sort()).toEqual([0, 1, 2, 3, 4].map((n) => `over ${n}`))
  expect(queue.dropped).toBe(2)
})

it('remembers so many keys and no more: the longest remembered go first', () => {
  const { queue, log, offer } = slowQueue(1)
  offer(...Array.from({ length: 4_099 }, (_, index) => index))
  expect(queue).toMatchObject({ depth: 1, remembered: 4_096, dropped: 2 })
  expect(log).toEqual(['over 1', 'over 2'])
})

it('leaves out a second write of a slice while the first one waits or is remembered', () => {
  const { queue, offer } = slowQueue(1)
  offer(0, 0, 1, 1)
  expect(queue).toMatchObject({ depth: 1, remembered: 1, dropped: 0 })
})

it('says whether a slice is coming soon, and of what is remembered only while it keeps up', async () => {
  const { queue, key, offer, pass, finish } = slowQueue(1)
  offer(0, 1)
  expect([0, 1, 2].map((index) => queue.isComing(key(index)))).toEqual([true, true, false])
  pass(3_000)
  offer(2)
  expect([0, 1, 2].map((index) => queue.isComing(key(index)))).toEqual([true, false, false])
  await finish(0)
  expect([0, 1, 2].map((index) => queue.isComing(key(index)))).toEqual([false, true, true])
})

it('forgets what waits for an object and waits for what runs', async () => {
  const { queue, log, key, offer, finish } = slowQueue(4)
  offer(0, 1, 2, 100, 3, 101)
  let isForgotten = false
  const forgotten = queue
    .forget(({ objectId }) => objectId === key(0).objectId)
    .then(() => {
      isForgotten = true
    })
  expect(log).toEqual(['over 3', 'over 2'])
  expect(queue).toMatchObject({ depth: 4, remembered: 0, dropped: 0 })
  await null
  expect(isForgotten).toBe(false)
  await finish(0, 1)
  await forgotten
  expect([100, 101].map((index) => queue.isComing(key(index)))).toEqual([true, true])
})

it('closes within its deadline and leaves out what is not written by then', async () => {
  const { queue, log, offer } = slowQueue(3)
  offer(0, 1, 2, 3)
  await queue.close(10)
  expect(log).toEqual(['over 3', 'over 2'])
  offer(4)
  expect(log).toEqual(['over 3', 'over 2', 'over 4'])
  expect(queue.dropped).toBe(3)
})
