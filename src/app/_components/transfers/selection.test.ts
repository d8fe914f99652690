import { expect, test } from 'vitest'
import { selectionState, toggleSelection } from './selection.ts'

const order = ['a', 'b', 'c', 'd', 'e']
const sorted = (set: ReadonlySet<string>) => [...set].sort().join('')

test('a click turns one row on and off', () => {
  const on = toggleSelection(new Set(), order, 'b', { shift: false, lastId: null })
  expect(sorted(on)).toBe('b')
  expect(sorted(toggleSelection(on, order, 'b', { shift: false, lastId: 'b' }))).toBe('')
})

test('shift selects all rows between the last one and this one, in both directions', () => {
  expect(sorted(toggleSelection(new Set('b'), order, 'd', { shift: true, lastId: 'b' }))).toBe('bcd')
  expect(sorted(toggleSelection(new Set('d'), order, 'b', { shift: true, lastId: 'd' }))).toBe('bcd')
})

test('shift on a selected row takes the rows in between out', () => {
  expect(sorted(toggleSelection(new Set('abcde'), order, 'd', { shift: true, lastId: 'b' }))).toBe('ae')
})

test('shift with a last row that is gone changes this row alone', () => {
  expect(sorted(toggleSelection(new Set('a'), order, 'd', { shift: true, lastId: 'gone' }))).toBe('ad')
})

test('the tick above the list shows none, some or all', () => {
  expect(selectionState(new Set(), order)).toBe(false)
  expect(selectionState(new Set('ab'), order)).toBe('indeterminate')
  expect(selectionState(new Set(order), order)).toBe(true)
  expect(selectionState(new Set(['gone']), [])).toBe(false)
})
