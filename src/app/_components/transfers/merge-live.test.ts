import { expect, test } from 'vitest'
import type { TransferStatus, TransferView } from '../../../server/domain/transfer.ts'
import { holdRows, isOutOfDate, liveFirst, mergeLive } from './merge-live.ts'

const row = (id: string, status: TransferStatus, transferredBytes = 0) =>
  ({ id, status, transferredBytes }) as TransferView
const idsOf = (rows: readonly TransferView[]) => rows.map(({ id }) => id).join('')

test('rows keep their places and get the newest numbers', () => {
  const merged = mergeLive([row('a', 'queued'), row('b', 'running', 1)], [row('b', 'running', 7), row('x', 'running')])
  expect(idsOf(merged)).toBe('ab')
  expect(merged[1]?.transferredBytes).toBe(7)
})

test('in the list of all what runs stands first and only once', () => {
  const listed = [row('a', 'queued'), row('b', 'running', 1), row('c', 'failed')]
  expect(idsOf(liveFirst(listed, [row('d', 'verifying'), row('b', 'running', 7)]))).toBe('dbac')
  expect(idsOf(liveFirst(listed, undefined))).toBe('abc')
})

test('a list is out of date when counts changed or a running row no longer runs', () => {
  const list = { items: [row('a', 'running'), row('b', 'queued')], counts: { running: 1, queued: 1 } }
  expect(isOutOfDate(list, { items: [row('a', 'running')], counts: { running: 1, queued: 1 } })).toBe(false)
  expect(isOutOfDate(list, { items: [row('a', 'running')], counts: { running: 1, queued: 0 } })).toBe(true)
  expect(isOutOfDate(list, { items: [row('b', 'running')], counts: { running: 1, queued: 1 } })).toBe(true)
})

test('held rows keep order and number while their content follows', () => {
  const held = holdRows([row('a', 'running'), row('b', 'running')], [row('b', 'completed'), row('c', 'running')])
  expect(idsOf(held)).toBe('ab')
  expect(held[1]?.status).toBe('completed')
})
