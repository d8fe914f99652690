import { pino } from 'pino'
import { expect, it } from 'vitest'
import { quietRepeats } from './quiet-repeats.ts'

function quietLog() {
  const lines: { msg: string; repeats?: number; err?: { message: string } }[] = []
  let nowMs = 0
  const log = pino({ hooks: quietRepeats(() => nowMs) }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return {
    log,
    lines,
    wait(ms: number) {
      nowMs += ms
    },
  }
}
const away = () => new Error('connect ECONNREFUSED')

it('writes a warning that comes every second once in half a minute, and says how often it came', () => {
  const { log, lines, wait } = quietLog()
  for (let second = 0; second < 61; second++) {
    log.warn({ err: away() }, 'Looking for work failed.')
    wait(1000)
  }
  expect(lines.map(({ repeats }) => repeats)).toEqual([undefined, 29, 29])
  expect(lines[2]?.err?.message).toBe('connect ECONNREFUSED')
})

it('writes another sentence, another error, another level, and what is about one transfer', () => {
  const { log, lines } = quietLog()
  log.warn({ err: away() }, 'Looking for work failed.')
  log.warn({ err: away() }, 'The lease could not be renewed.')
  log.warn({ err: new Error('permission denied') }, 'Looking for work failed.')
  log.error({ err: away() }, 'Looking for work failed.')
  for (const transferId of ['a', 'b']) log.warn({ transferId, err: away() }, 'claims could not be handed back')
  log.warn('Nothing but words.')
  log.warn('Nothing but words.')
  expect(lines).toHaveLength(8)
  log.warn({ err: away() }, 'Looking for work failed.')
  expect(lines).toHaveLength(8)
})
