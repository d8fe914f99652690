import { expect, test } from 'vitest'
import type { TransferCounts } from '../../../server/domain/transfer.ts'
import { listHref, readListParams, tabCount, tabStatuses } from './list-params.ts'

test('what the address says of tab and search is read back as it was written', () => {
  const params = { tab: 'failed', search: 'a b&c=d/é' } as const
  expect(readListParams(new URL(listHref(params), 'http://localhost').searchParams)).toEqual(params)
})

test('an address without a tab or with one that does not exist shows all transfers', () => {
  expect(readListParams(new URLSearchParams(''))).toEqual({ tab: 'all', search: '' })
  expect(readListParams(new URLSearchParams('status=nonsense&q=%20iso%20'))).toEqual({ tab: 'all', search: 'iso' })
  expect(listHref({ tab: 'all', search: '' })).toBe('/transfers')
})

test('a search in the address is cut to what the API takes', () => {
  expect(readListParams(new URLSearchParams({ q: 'x'.repeat(600) })).search).toHaveLength(512)
})

test('verifying transfers are listed and counted as running', () => {
  const counts = { all: 9, queued: 1, running: 2, verifying: 3, completed: 1, paused: 1, failed: 1, cancelled: 0 }
  expect(tabCount('running', counts satisfies TransferCounts)).toBe(5)
  expect(tabStatuses('running')).toEqual(['running', 'verifying'])
  expect(tabStatuses('completed')).toEqual(['completed'])
  expect(tabStatuses('all')).toBeUndefined()
})
