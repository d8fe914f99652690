import { expect, test } from 'vitest'
import { WriteTurns } from './write-turns.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('as long as little goes out, there is room for everybody', async () => {
  const turns = new WriteTurns(100)
  turns.spend(99)
  expect(turns.hasRoom).toBe(true)
  turns.spend(1)
  expect(turns.hasRoom).toBe(false)
  await turn()
  expect(turns.hasRoom).toBe(true)
})

test('above that writers take turns, and who has had one comes after those who wait', async () => {
  const turns = new WriteTurns(100)
  const order: string[] = []
  const writer = (name: string, pieces: number) => {
    const self = {
      takeTurn() {
        order.push(name)
        turns.spend(50)
        if (--pieces > 0) turns.wait(self)
      },
    }
    return self
  }
  turns.spend(100)
  for (const [name, pieces] of [
    ['a', 3],
    ['b', 2],
    ['c', 1],
  ] as const)
    turns.wait(writer(name, pieces))
  expect(order).toEqual([])
  await turn()
  expect(order).toEqual(['a', 'b'])
  await turn()
  await turn()
  expect([order, turns.waiting]).toEqual([['a', 'b', 'c', 'a', 'b', 'a'], 0])
})

test('who leaves is not asked', async () => {
  const turns = new WriteTurns(1)
  let asked = 0
  const writer = { takeTurn: () => void asked++ }
  turns.spend(1)
  turns.wait(writer)
  turns.leave(writer)
  await turn()
  expect([asked, turns.waiting]).toEqual([0, 0])
})
