import { describe, expect, it } from 'vitest'
import { createLog } from '../../server/log.ts'
import type { WorkContext } from '../transfer/work-context.ts'
import { InspectionLoop } from './answer-inspections.ts'

describe('InspectionLoop', () => {
  it('takes no question any more once it is stopped, and waits for the one it is asking for', async () => {
    const answer = Promise.withResolvers<[]>()
    let asked = 0
    const $queryRaw = () => {
      asked++
      return answer.promise
    }
    const log = createLog('engine', 'silent')
    const loop = new InspectionLoop({ db: { $queryRaw }, engineId: 'engine', log } as unknown as WorkContext)
    loop.start()
    loop.poke()
    let isStopped = false
    const stopping = loop.stop().then(() => {
      isStopped = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect([asked, isStopped]).toEqual([1, false])
    answer.resolve([])
    await stopping
    expect(asked).toBe(1)
  })
})
