import { describe, expect, it } from 'vitest'
import { RemainingWork } from './remaining-work.ts'

const claim = (id: string, firstPart: number, lastPart: number) => ({
  id,
  transferId: 't',
  firstPart,
  lastPart,
  epoch: 3,
})
const none = async () => []

describe('RemainingWork', () => {
  it('hands out the parts of its claims that are not in the ledger, and closes a claim with its last part', () => {
    const work = new RemainingWork(0, none)
    work.add(claim('a', 1, 3), new Set([2]))
    const [one, three] = [work.take(), work.take()]
    expect([one?.number, three?.number, work.take()]).toEqual([1, 3, null])
    if (one) work.finished(one)
    expect(work.takeClosed()).toEqual([])
    if (three) work.finished(three)
    expect(work.takeClosed()).toEqual([{ claimId: 'a', epoch: 3 }])
    expect(work.takeClosed()).toEqual([])
  })

  it('closes at once a claim whose parts were all finished by somebody else', () => {
    const work = new RemainingWork(0, none)
    work.add(claim('a', 1, 2), new Set([1, 2]))
    expect(work.takeClosed()).toEqual([{ claimId: 'a', epoch: 3 }])
  })

  it('asks for more before it runs out, once at a time, and is exhausted when nobody has more', async () => {
    let asked = 0
    const answers = [[{ claim: claim('b', 2, 2), recorded: new Set<number>() }], []]
    const work = new RemainingWork(2, async () => answers[asked++] ?? [])
    work.add(claim('a', 1, 1), new Set())
    await Promise.all([work.refill(), work.refill()])
    expect(asked).toBe(1)
    expect([work.take()?.number, work.take()?.number]).toEqual([1, 2])
    expect(work.isExhausted).toBe(false)
    await work.refill()
    expect(work.isExhausted).toBe(true)
  })

  it('takes over what a dead engine held although parts of its own wait, and also when it had no more to ask for', async () => {
    const asked: boolean[] = []
    const answers = [[{ claim: claim('b', 5, 5), recorded: new Set<number>() }], [], [], []]
    const work = new RemainingWork(1, async (isOfDead) => answers[asked.push(isOfDead) - 1] ?? [])
    work.add(claim('a', 1, 2), new Set())
    await work.refill()
    expect(asked).toEqual([])
    await work.takeOver()
    expect([work.take(), work.take(), work.take(), work.take()].map((task) => task?.number)).toEqual([
      1,
      2,
      5,
      undefined,
    ])
    await work.refill()
    expect(work.isExhausted).toBe(true)
    answers[2] = [{ claim: claim('c', 7, 7), recorded: new Set() }]
    await work.takeOver()
    expect(asked).toEqual([true, false, true])
    expect(work.isExhausted).toBe(false)
    expect(work.take()?.number).toBe(7)
    await work.takeOver()
    expect(work.isExhausted).toBe(false)
    await work.refill()
    expect(work.isExhausted).toBe(true)
  })

  it('forgets parts beyond the end of a source of unknown size', () => {
    const work = new RemainingWork(0, none)
    work.add(claim('a', 1, 10_000), new Set())
    const first = work.take()
    if (first) work.finished(first)
    work.endAt(1)
    expect(work.takeClosed()).toEqual([{ claimId: 'a', epoch: 3 }])
    expect(work.isExhausted).toBe(true)
  })
})

describe('giving work back', () => {
  const full = () => {
    const work = new RemainingWork(0, none)
    for (let first = 1; first <= 8; first += 2) work.add(claim(`c${first}`, first, first + 1), new Set())
    return work
  }

  it('takes the last claims, and what is left is handed out as before', () => {
    const work = full()
    expect(work.giveBack(0.5).map(({ id }) => id)).toEqual(['c7', 'c5'])
    const numbers = [work.take(), work.take(), work.take(), work.take(), work.take()].map((task) => task?.number)
    expect(numbers).toEqual([1, 2, 3, 4, undefined])
  })

  it('never takes a claim of which a part was begun or finished', () => {
    const work = full()
    const begun = work.take()
    expect(work.giveBack(1).map(({ id }) => id)).toEqual(['c7', 'c5', 'c3'])
    if (begun) work.finished(begun)
    expect(work.giveBack(1)).toEqual([])
    expect(work.take()?.number).toBe(2)
  })

  it('gives the only part that waits, and nothing where nothing waits', () => {
    const work = new RemainingWork(0, none)
    expect(work.giveBack(0.5)).toEqual([])
    work.add(claim('a', 1, 1), new Set())
    expect(work.giveBack(0.5)).toHaveLength(1)
    expect(work.takeClosed()).toEqual([])
  })

  it('does not ask for what it has just given, as long as it has parts itself', async () => {
    let asked = 0
    const work = new RemainingWork(100, async () => {
      asked++
      return []
    })
    work.add(claim('a', 1, 1), new Set())
    work.add(claim('b', 2, 2), new Set())
    expect(work.giveBack(0.5)).toHaveLength(1)
    await work.refill()
    expect(asked).toBe(0)
    work.take()
    await work.refill()
    expect(asked).toBe(1)
  })
})
