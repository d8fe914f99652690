'use client'

import { type RefObject, useLayoutEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'

/** What fits on a sheet of A4 or Letter between its margins; a layout for paper is made too late to be measured. */
const PAPER_WIDTH_PX = 680

/** The width of an element in pixels, kept up to date; 0 until it was measured, and that of paper while it is printed. */
export function useElementWidth<T extends HTMLElement>(): { ref: RefObject<T | null>; widthPx: number } {
  const ref = useRef<T | null>(null)
  const [widthPx, setWidthPx] = useState(0)
  useLayoutEffect(() => {
    const element = ref.current
    if (!element) return
    setWidthPx(Math.floor(element.getBoundingClientRect().width))
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidthPx(Math.floor(entry.contentRect.width))
    })
    observer.observe(element)
    const print = () => flushSync(() => setWidthPx(PAPER_WIDTH_PX))
    const screen = () => setWidthPx(Math.floor(element.getBoundingClientRect().width))
    window.addEventListener('beforeprint', print)
    window.addEventListener('afterprint', screen)
    return () => {
      observer.disconnect()
      window.removeEventListener('beforeprint', print)
      window.removeEventListener('afterprint', screen)
    }
  }, [])
  return { ref, widthPx }
}
