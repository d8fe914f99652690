import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ReadTurn } from './read-turn.ts'

const KIB = 1024
const READ = 256 * KIB

describe('a turn of the loop', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance', 'setImmediate'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** The next turn begins so long after this one, with reads of 256 KiB on connections in turn until none goes on; returns how much they read. */
  const turnAfter = (ms: number, turns: readonly ReadTurn[]) => {
    vi.advanceTimersByTime(ms)
    let bytes = 0
    for (const turn of turns)
      for (let goesOn = true; goesOn; bytes += READ) {
        goesOn = turn.goesOn(READ)
        if (bytes > 100 * READ) throw new Error('it never ends')
      }
    vi.runAllTimers()
    return bytes
  }
  const connections = (count: number) => Array.from({ length: count }, () => new ReadTurn())

  it('gives each connection its least, however short the turns are', () => {
    turnAfter(1, connections(1))
    expect(turnAfter(1, connections(10))).toBe(10 * READ)
  })

  it('lets them read more where others make the turns long, but not without an end', () => {
    turnAfter(1, connections(1))
    expect(turnAfter(40, connections(1))).toBe(40 * 128 * KIB)
    expect(turnAfter(10_000, connections(1))).toBe(8192 * KIB)
  })

  it('counts what small reads add up to', () => {
    turnAfter(1, connections(1))
    vi.advanceTimersByTime(1)
    const turn = new ReadTurn()
    for (let read = 1; read < 16; read++) expect(turn.goesOn(16 * KIB)).toBe(true)
    expect(turn.goesOn(16 * KIB)).toBe(false)
    vi.runAllTimers()
  })
})
