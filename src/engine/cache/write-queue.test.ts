import { expect, it } from 'vitest'
import { WriteQueue } from './write-queue.ts'

/** Writes that end when the test says so. */
function slowWrites(queue: WriteQueue) {
  const log: string[] = []
  const gates = new Map<string, () => void>()
  return {
    log,
    offer(name: string, objectId = name) {
      queue.offer({
        name,
        objectId,
        run: () => new Promise<void>((resolve) => gates.set(name, resolve)).then(() => void log.push(`wrote ${name}`)),
        dropped: () => log.push(`dropped ${name}`),
      })
    },
    finish: (name: string) => gates.get(name)?.(),
  }
}

it('never holds more than its limit: what comes on top is left out and counted, and nobody waits', async () => {
  const queue = new WriteQueue(5)
  const writes = slowWrites(queue)
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) writes.offer(name)
  expect(queue).toMatchObject({ depth: 5, dropped: 2 })
  expect(writes.log).toEqual(['dropped f', 'dropped g'])
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await expect.poll(() => queue.has(name)).toBe(true)
    writes.finish(name)
    await expect.poll(() => queue.has(name)).toBe(false)
  }
  await queue.idle()
  expect(writes.log.slice(2)).toEqual(['wrote a', 'wrote b', 'wrote c', 'wrote d', 'wrote e'])
})

it('leaves out a second write of the same name while the first one waits', () => {
  const queue = new WriteQueue(5)
  const writes = slowWrites(queue)
  writes.offer('a')
  writes.offer('a')
  expect(queue).toMatchObject({ depth: 1, dropped: 0 })
})

it('forgets what waits for an object and waits for what runs', async () => {
  const queue = new WriteQueue(5)
  const writes = slowWrites(queue)
  for (const name of ['a', 'b', 'c', 'd']) writes.offer(name, name === 'd' ? 'other' : 'mine')
  let isForgotten = false
  const forgotten = queue
    .forget((objectId) => objectId === 'mine')
    .then(() => {
      isForgotten = true
    })
  expect(writes.log).toEqual(['dropped c'])
  expect(isForgotten).toBe(false)
  writes.finish('a')
  writes.finish('b')
  await forgotten
  expect(queue.has('d')).toBe(true)
})

it('closes within its deadline and leaves out what is not written by then', async () => {
  const queue = new WriteQueue(5)
  const writes = slowWrites(queue)
  for (const name of ['a', 'b', 'c']) writes.offer(name)
  await queue.close(10)
  expect(writes.log).toEqual(['dropped c'])
  writes.offer('late')
  expect(writes.log).toEqual(['dropped c', 'dropped late'])
})
