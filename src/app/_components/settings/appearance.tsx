'use client'

import { useTheme } from 'next-themes'
import { RadioGroup } from 'radix-ui'
import { useSyncExternalStore } from 'react'
import { THEMES } from '../shell/theme-button.tsx'
import { cn } from '../ui/cn.ts'

const never = () => () => {}

/** Light, dark or as the system is; kept in this browser. */
export function Appearance() {
  const { theme, setTheme } = useTheme()
  // The server cannot know the choice, so that none is marked until the browser says.
  const inBrowser = useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
  return (
    <RadioGroup.Root
      aria-label="Colours"
      value={inBrowser ? (theme ?? 'system') : ''}
      onValueChange={setTheme}
      className="flex flex-wrap gap-2 py-3"
    >
      {THEMES.map(({ value, name, icon: Icon }) => (
        <RadioGroup.Item
          key={value}
          value={value}
          className={cn(
            'focus-ring flex h-8 items-center gap-2 rounded-md border border-input px-3 transition-colors hover:bg-accent',
            'data-[state=checked]:border-water data-[state=checked]:bg-water-soft',
          )}
        >
          <Icon className="size-3.5" aria-hidden />
          {name}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  )
}
