import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FetchQueue, type Rank } from './fetch-queue.ts'

interface Item {
  name: string
  rank: Rank
  isWaiting: boolean
}

const item = (rank: Rank, name = `${rank}`): Item => ({ name, rank, isWaiting: true })

/** Takes so many and says which. */
function take(queue: FetchQueue<Item>, count: number): string[] {
  return Array.from({ length: count }, () => {
    const next = queue.peek()
    if (next) next.isWaiting = false
    return next?.name ?? '-'
  })
}

describe('with priorities', () => {
  test('short goes before bulk that came first', () => {
    const queue = new FetchQueue<Item>(true)
    for (const rank of [2, 2, 0] as const) queue.push(item(rank))
    expect(take(queue, 4)).toEqual(['0', '2', '2', '-'])
  })

  test('nobody starves: of 46 turns bulk has 4 and reading ahead 2, however many short reads wait', () => {
    const queue = new FetchQueue<Item>(true)
    for (let time = 0; time < 100; time++) for (const rank of [0, 1, 2, 3] as const) queue.push(item(rank))
    const turns = take(queue, 46)
    const share = (name: string) => turns.filter((one) => one === name).length
    expect([share('0'), share('1'), share('2'), share('3')]).toEqual([32, 8, 4, 2])
  })

  test('a rank that had nobody for a while does not get the turns it missed', () => {
    const queue = new FetchQueue<Item>(true)
    for (let time = 0; time < 200; time++) queue.push(item(0))
    take(queue, 100)
    for (let time = 0; time < 50; time++) queue.push(item(2))
    expect(take(queue, 18).filter((name) => name === '2').length).toBeLessThanOrEqual(3)
  })

  test('one that is promoted has its turn with the higher ones, and only one turn', () => {
    const queue = new FetchQueue<Item>(true)
    const ahead = item(3, 'mine')
    queue.push(item(2))
    queue.push(ahead)
    queue.promote(ahead, 0)
    expect(take(queue, 3)).toEqual(['mine', '2', '-'])
  })

  test('whatever is pushed, promoted and given up, each that waits has exactly one turn', () => {
    const rank = fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<Rank>
    fc.assert(
      fc.property(fc.array(fc.record({ rank, to: rank, givesUp: fc.boolean() }), { maxLength: 40 }), (wishes) => {
        const queue = new FetchQueue<Item>(true)
        const items = wishes.map(({ rank }, at) => item(rank, String(at)))
        for (const one of items) queue.push(one)
        for (const [at, { to, givesUp }] of wishes.entries()) {
          queue.promote(items[at] as Item, to)
          if (givesUp) (items[at] as Item).isWaiting = false
        }
        const due = items.filter(({ isWaiting }) => isWaiting).map(({ name }) => name)
        expect([...queue].map(({ name }) => name).sort()).toEqual([...due].sort())
        expect(take(queue, due.length).sort()).toEqual([...due].sort())
        expect(queue.isEmpty).toBe(true)
      }),
    )
  })
})

test('without priorities it is first come, first served', () => {
  const queue = new FetchQueue<Item>(false)
  for (const [at, rank] of ([2, 3, 0, 1] as const).entries()) queue.push(item(rank, String(at)))
  expect(take(queue, 5)).toEqual(['0', '1', '2', '3', '-'])
})
