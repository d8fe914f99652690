import { describe, expect, it } from 'vitest'
import type { Failure } from '../../../server/domain/failure.ts'
import { canStart, newTransferRows } from './new-transfer-rows.ts'

const rowWith = (retry: Failure['retry']) => {
  const failure: Failure = { code: 'source_not_found', message: 'There is no file.', retry }
  const [row] = newTransferRows({
    lines: [{ url: 'https://a.example/f.bin', line: 1, problem: null }],
    inspections: new Map([['https://a.example/f.bin', { state: 'failed', failure }]]),
    bucket: undefined,
    folder: '',
    editedKeys: new Map(),
    refusals: new Map(),
  })
  if (!row) throw new Error('there is one line')
  return row
}

describe('canStart', () => {
  it('does not start what would fail the same way', () => {
    expect(canStart(rowWith('never'), { later: false })).toBe(false)
  })

  it('starts what may work by itself in a moment', () => {
    expect(canStart(rowWith('later'), { later: false })).toBe(true)
  })

  it('starts a link whose file is to be there at a later time', () => {
    expect(canStart(rowWith('never'), { later: true })).toBe(true)
  })
})
