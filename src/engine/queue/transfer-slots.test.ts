import { describe, expect, it } from 'vitest'
import { GIB, MIB } from '../../server/domain/bytes.ts'
import { TransferSlots } from './transfer-slots.ts'

describe('TransferSlots', () => {
  it('takes ten transfers at once, and more with every small one, up to 64', () => {
    const slots = new TransferSlots(() => 0.5)
    expect(slots.room(0, true)).toBe(10)
    for (let count = 0; count < 5; count++) slots.small()
    expect(slots.room(0, true)).toBe(15)
    for (let count = 0; count < 500; count++) slots.small()
    expect(slots.room(0, true)).toBe(64)
  })

  it('takes no more than 24 while the thread has no time left, and the rest once it has', () => {
    let share = 1
    const slots = new TransferSlots(() => share)
    for (let count = 0; count < 100; count++) slots.small()
    expect(slots.total).toBe(24)
    share = 0.7
    for (let count = 0; count < 100; count++) slots.small()
    expect(slots.total).toBe(64)
    share = 0.9
    for (let count = 0; count < 100; count++) slots.small()
    expect(slots.total).toBe(24)
  })

  it('is back at ten with the first large one, and takes none while there are more', () => {
    const slots = new TransferSlots(() => 0.5)
    for (let count = 0; count < 20; count++) slots.small()
    slots.large(GIB)
    expect(slots.room(9, true)).toBe(1)
    expect(slots.room(25, true)).toBe(0)
  })

  it('says whether a file between small and large may be expected: not among many small ones, nor after one that is too large', () => {
    const slots = new TransferSlots(() => 0.5)
    for (let count = 0; count < 7; count++) slots.small()
    expect(slots.suitOneRequest).toBe(true)
    slots.small()
    expect(slots.suitOneRequest).toBe(false)
    slots.large(16 * MIB)
    expect(slots.suitOneRequest).toBe(true)
    slots.large(16 * MIB + 1)
    expect(slots.suitOneRequest).toBe(false)
    slots.large(3 * MIB)
    expect(slots.suitOneRequest).toBe(true)
    slots.large(null)
    expect(slots.suitOneRequest).toBe(false)
  })

  it('gathers ends of work, so that many small ones cost few claims, but never waits where nothing runs or somebody asks', () => {
    const slots = new TransferSlots(() => 0.5)
    expect(slots.room(9, false)).toBe(0)
    expect(slots.room(8, false)).toBe(0)
    expect(slots.room(7, false)).toBe(3)
    expect(slots.room(9, true)).toBe(1)
    expect(slots.room(0, false)).toBe(10)
  })
})
