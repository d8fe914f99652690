import { type ClassValue, clsx } from 'clsx'
import { extendTailwindMerge } from 'tailwind-merge'

const merge = extendTailwindMerge({
  extend: {
    theme: {
      text: ['xs', 'sm', 'base', 'xl', 'hero'],
      radius: ['xs', 'sm', 'md'],
      shadow: ['popover'],
    },
  },
})

/** Joins class names; where two Tailwind classes set the same thing the later one wins. */
export function cn(...classes: ClassValue[]): string {
  return merge(clsx(classes))
}
