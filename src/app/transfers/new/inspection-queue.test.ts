import { describe, expect, it, vi } from 'vitest'
import { InspectionQueue, type InspectionState } from './inspection-queue.ts'

const failed: InspectionState = {
  state: 'failed',
  failure: { code: 'source_not_found', message: 'Not there.', retry: 'never' },
}

function harness(atMostAtOnce = 2) {
  const pending = new Map<string, { answer: (state: InspectionState) => void; signal: AbortSignal }>()
  const asked: string[] = []
  const onChange = vi.fn()
  const queue = new InspectionQueue({
    atMostAtOnce,
    onChange,
    ask: (url, signal) => {
      asked.push(url)
      return new Promise((answer) => pending.set(url, { answer, signal }))
    },
  })
  const answer = async (url: string) => {
    pending.get(url)?.answer(failed)
    await Promise.resolve()
  }
  return { queue, asked, answer, pending, onChange }
}

describe('InspectionQueue', () => {
  it('asks about a few links at once and goes on as answers come', async () => {
    const { queue, asked, answer } = harness()
    queue.want(['a', 'b', 'c'])
    expect(asked).toEqual(['a', 'b'])
    await answer('a')
    await vi.waitFor(() => expect(asked).toEqual(['a', 'b', 'c']))
    expect(queue.states.get('a')).toEqual(failed)
  })

  it('asks about each link once, whatever is typed in between', async () => {
    const { queue, asked, answer } = harness()
    queue.want(['a'])
    await answer('a')
    await vi.waitFor(() => expect(queue.states.get('a')?.state).toBe('failed'))
    queue.want([])
    queue.want(['a'])
    expect(asked).toEqual(['a'])
  })

  it('gives up a link that is not wanted any more and lets the next have its place', () => {
    const { queue, asked, pending } = harness(1)
    queue.want(['a', 'b'])
    queue.want(['b'])
    expect(pending.get('a')?.signal.aborted).toBe(true)
    expect(asked).toEqual(['a', 'b'])
    expect(queue.states.has('a')).toBe(false)
  })

  it('does not take the late answer of a link that was given up', async () => {
    const { queue, answer } = harness(1)
    queue.want(['a'])
    queue.want([])
    await answer('a')
    expect(queue.states.has('a')).toBe(false)
  })

  it('asks again when told to', async () => {
    const { queue, asked, answer } = harness()
    queue.want(['a'])
    await answer('a')
    await vi.waitFor(() => expect(queue.states.get('a')?.state).toBe('failed'))
    queue.retry('a')
    expect(asked).toEqual(['a', 'a'])
  })
})
