import { expect, test } from 'vitest'
import { type KeyPress, keyCommand } from './key-map.ts'

const press = (key: string, changes: Partial<KeyPress> = {}): KeyPress => ({
  key,
  metaKey: false,
  ctrlKey: false,
  altKey: false,
  typing: false,
  covered: false,
  afterPrefix: false,
  ...changes,
})

test('single keys do what the list of keys says', () => {
  expect(keyCommand(press('c'))).toEqual({ kind: 'go', href: '/transfers/new' })
  expect(keyCommand(press('/'))).toEqual({ kind: 'search' })
  expect(keyCommand(press('?'))).toEqual({ kind: 'keys' })
  expect(keyCommand(press('x'))).toBeNull()
})

test('keys mean nothing of ours while one types, while something is open, or with a modifier', () => {
  expect(keyCommand(press('c', { typing: true }))).toBeNull()
  expect(keyCommand(press('c', { covered: true }))).toBeNull()
  expect(keyCommand(press('c', { metaKey: true }))).toBeNull()
})

test('the palette opens with either modifier, also while one types', () => {
  expect(keyCommand(press('k', { metaKey: true, typing: true }))).toEqual({ kind: 'palette' })
  expect(keyCommand(press('K', { ctrlKey: true }))).toEqual({ kind: 'palette' })
})

test('g and a letter lead to a page, g and another key to none', () => {
  expect(keyCommand(press('g'))).toEqual({ kind: 'prefix' })
  expect(keyCommand(press('t', { afterPrefix: true }))).toEqual({ kind: 'go', href: '/transfers' })
  expect(keyCommand(press('c', { afterPrefix: true }))).toEqual({ kind: 'go', href: '/cache' })
  expect(keyCommand(press('x', { afterPrefix: true }))).toBeNull()
})
