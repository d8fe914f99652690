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
