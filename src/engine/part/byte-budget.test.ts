import { describe, expect, it } from 'vitest'
import { ByteBudget } from './byte-budget.ts'

const never = new AbortController().signal

describe('ByteBudget', () => {
  it('correctness 40: grants what fits at once and makes the rest wait until bytes are released', async () => {
    const budget = new ByteBudget(100)
    await budget.reserve(60, never)
    let granted = false
    const second = budget.reserve(50, never).then(() => {
      granted = true
    })
    await Promise.resolve()
    expect(granted).toBe(false)
    budget.release(60)
    await second
    expect(budget.usedBytes).toBe(50)
    expect(budget.peakBytes).toBe(60)
  })

  it('serves in order: a small one does not overtake a large one that waits', async () => {
    const budget = new ByteBudget(100)
    await budget.reserve(80, never)
    const order: string[] = []
    const large = budget.reserve(90, never).then(() => order.push('large'))
    const small = budget.reserve(10, never).then(() => order.push('small'))
    budget.release(80)
    await Promise.all([large, small])
    expect(order).toEqual(['large', 'small'])
  })

  it('grants one that is larger than the whole budget once nothing else is held', async () => {
    const budget = new ByteBudget(100)
    await budget.reserve(500, never)
    expect(budget.usedBytes).toBe(500)
  })

  it('leaves half to others beside parts that are held whole, however many of them wait', async () => {
    const budget = new ByteBudget(100)
    const first = await budget.reserveWhole(30, never)
    expect(budget.tryReserveWhole(30)).toBeNull()
    const second = budget.reserveWhole(30, never)
    expect(budget.tryReserve(50)).toBe(true)
    expect(budget.usedBytes).toBe(80)
    first.release(30)
    const held = await second
    expect(budget.usedBytes).toBe(80)
    held.release(10)
    held.release(20)
    expect(budget.usedBytes).toBe(50)
  })

  it('counts a whole part that is larger than that half as the half, and gives nothing back twice', async () => {
    const budget = new ByteBudget(100)
    const large = await budget.reserveWhole(500, never)
    expect(budget.usedBytes).toBe(50)
    expect(budget.tryReserve(50)).toBe(true)
    expect(budget.tryReserveWhole(1)).toBeNull()
    large.release(460)
    expect(budget.usedBytes).toBe(90)
    large.release(40)
    expect(budget.usedBytes).toBe(50)
    const aborter = new AbortController()
    budget.tryReserve(50)
    const waiting = budget.reserveWhole(40, aborter.signal)
    aborter.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    budget.release(100)
    expect(budget.tryReserveWhole(50)).not.toBeNull()
  })

  it('forgets one that was aborted and serves those behind it', async () => {
    const budget = new ByteBudget(100)
    await budget.reserve(100, never)
    const aborter = new AbortController()
    const given = budget.reserve(100, aborter.signal)
    const behind = budget.reserve(40, never)
    aborter.abort(new Error('stopped'))
    await expect(given).rejects.toThrow('stopped')
    budget.release(60)
    await behind
    expect(budget.usedBytes).toBe(80)
  })

  it('says so when more is released than was reserved', () => {
    expect(() => new ByteBudget(10).release(1)).toThrow('more than was reserved')
  })
})
