'use client'

import { useRouter } from 'next/navigation'
import { useEffect, useRef } from 'react'
import { keyCommand } from './key-map.ts'

/** `g` waits this long for the key that names a page. */
const PREFIX_MS = 1200

/** Listens to the keys of key-map.ts on the whole page. */
export function useShortcuts(handlers: { onSearch: () => void; onPalette: () => void; onKeys: () => void }) {
  const router = useRouter()
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    let prefixAtMs = 0
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat || event.isComposing) return
      const command = keyCommand({
        key: event.key,
        metaKey: event.metaKey,
        ctrlKey: event.ctrlKey,
        altKey: event.altKey,
        typing: isTyping(event.target),
        covered:
          document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"], [role="listbox"]') !== null,
        afterPrefix: event.timeStamp - prefixAtMs < PREFIX_MS,
      })
      prefixAtMs = 0
      if (!command) return
      event.preventDefault()
      if (command.kind === 'go') router.push(command.href)
      else if (command.kind === 'search') latest.current.onSearch()
      else if (command.kind === 'palette') latest.current.onPalette()
      else if (command.kind === 'keys') latest.current.onKeys()
      else prefixAtMs = event.timeStamp
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [router])
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ? !isTick(target) : false
}

function isTick(target: HTMLElement): boolean {
  return target instanceof HTMLInputElement && ['checkbox', 'radio', 'button'].includes(target.type)
}
