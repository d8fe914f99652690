import { PAGES } from './pages.ts'

export type KeyCommand =
  | { kind: 'go'; href: string }
  | { kind: 'search' }
  | { kind: 'palette' }
  | { kind: 'keys' }
  /** `g` was pressed: the next key names a page. */
  | { kind: 'prefix' }

export interface KeyPress {
  key: string
  metaKey: boolean
  ctrlKey: boolean
  altKey: boolean
  /** Whether the focus is where text is typed. */
  typing: boolean
  /** Whether a dialog or a menu is open; it has the keys then. */
  covered: boolean
  /** Whether `g` was pressed just before. */
  afterPrefix: boolean
}

/** What a key means anywhere on the dashboard, or null where it means nothing of ours. */
export function keyCommand(press: KeyPress): KeyCommand | null {
  const key = press.key.toLowerCase()
  if ((press.metaKey || press.ctrlKey) && !press.altKey && key === 'k') return { kind: 'palette' }
  if (press.metaKey || press.ctrlKey || press.altKey || press.typing || press.covered) return null
  if (press.afterPrefix) {
    const page = PAGES.find((entry) => entry.key === key)
    return page ? { kind: 'go', href: page.href } : null
  }
  if (key === 'c') return { kind: 'go', href: '/transfers/new' }
  if (key === 'g') return { kind: 'prefix' }
  if (key === '/') return { kind: 'search' }
  if (key === '?') return { kind: 'keys' }
  return null
}

/** What the list of keys shows. */
export const KEY_HELP: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ['c'], does: 'New transfer' },
  { keys: ['/'], does: 'Search transfers' },
  { keys: ['Ctrl', 'K'], does: 'Find anything (on a Mac: Cmd K)' },
  ...PAGES.map((page) => ({ keys: ['g', page.key], does: `Go to ${page.name}` })),
  { keys: ['Shift', 'click'], does: 'Select all transfers in between' },
  { keys: ['Esc'], does: 'Close what is open, or drop the selection' },
  { keys: ['?'], does: 'This list' },
]
