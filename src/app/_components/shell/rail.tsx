'use client'

import Link from 'next/link'
import { usePathname } from 'next/navigation'
import { cn } from '../ui/cn.ts'
import { LogoMark } from './logo-mark.tsx'
import { PAGES, pageOf } from './pages.ts'
import { ThemeButton } from './theme-button.tsx'

/** The pages, at the left edge; icons alone where the window is narrow. */
export function Rail() {
  const current = pageOf(usePathname())
  return (
    <div className="sticky top-0 hidden h-dvh w-13 shrink-0 flex-col border-r bg-canvas md:flex xl:w-44 print:hidden">
      <nav aria-label="Pages" className="grid gap-0.5 px-2">
        <Link
          href="/"
          className="focus-ring mb-1 flex h-13 items-center gap-2 rounded-md px-2"
          aria-label="Sluice, to the overview"
        >
          <LogoMark className="size-5 shrink-0" />
          <span className="font-semibold text-base tracking-tight max-xl:hidden">Sluice</span>
        </Link>
        {PAGES.map(({ href, name, icon: Icon }) => (
          <Link
            key={href}
            href={href}
            title={name}
            aria-current={current?.href === href ? 'page' : undefined}
            className={cn(
              'focus-ring flex h-8 items-center gap-2.5 rounded-md px-2.5 text-muted-foreground text-sm transition-colors hover:bg-accent hover:text-foreground max-xl:justify-center max-xl:px-0',
              current?.href === href && 'bg-accent font-medium text-foreground [&>svg]:text-water',
            )}
          >
            <Icon className="size-4 shrink-0" strokeWidth={1.75} aria-hidden />
            <span className="max-xl:sr-only">{name}</span>
          </Link>
        ))}
      </nav>
      <div className="mt-auto flex items-center justify-between px-2 pb-3 max-xl:justify-center">
        <ThemeButton />
      </div>
    </div>
  )
}

/** The same pages at the bottom edge of phones, where thumbs are. */
export function BottomBar() {
  const current = pageOf(usePathname())
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-40 flex border-t bg-canvas px-1.5 pb-[env(safe-area-inset-bottom)] md:hidden print:hidden"
    >
      {PAGES.map(({ href, name, icon: Icon }) => (
        <Link
          key={href}
          href={href}
          aria-current={current?.href === href ? 'page' : undefined}
          className={cn(
            'focus-ring flex h-14 min-w-0 flex-1 flex-col items-center justify-center gap-1 text-muted-foreground text-xs tracking-tight',
            current?.href === href && 'font-medium text-foreground [&>svg]:text-water',
          )}
        >
          <Icon className="size-5" strokeWidth={1.75} aria-hidden />
          {/* Eight words side by side need more than a phone held upright has. */}
          <span className={cn(current?.href !== href && 'max-[30rem]:sr-only')}>{name}</span>
        </Link>
      ))}
    </nav>
  )
}
