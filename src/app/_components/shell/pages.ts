import {
  ArrowLeftRight,
  ChartNoAxesCombined,
  Cpu,
  Database,
  Globe,
  House,
  Layers,
  type LucideIcon,
  Settings,
} from 'lucide-react'

export interface PageEntry {
  href: string
  name: string
  icon: LucideIcon
  /** Pressed after `g`. */
  key: string
}

/** The pages of the rail, in its order. */
export const PAGES: readonly PageEntry[] = [
  { href: '/', name: 'Overview', icon: House, key: 'o' },
  { href: '/transfers', name: 'Transfers', icon: ArrowLeftRight, key: 't' },
  { href: '/reports', name: 'Reports', icon: ChartNoAxesCombined, key: 'r' },
  { href: '/cache', name: 'Cache', icon: Layers, key: 'c' },
  { href: '/origins', name: 'Origins', icon: Globe, key: 'i' },
  { href: '/buckets', name: 'Buckets', icon: Database, key: 'b' },
  { href: '/engines', name: 'Engines', icon: Cpu, key: 'e' },
  { href: '/settings', name: 'Settings', icon: Settings, key: 's' },
]

/** The entry of the rail that a path belongs to; none for a page that is not in it. */
export function pageOf(pathname: string): PageEntry | undefined {
  return PAGES.find(({ href }) =>
    href === '/' ? pathname === '/' : pathname === href || pathname.startsWith(`${href}/`),
  )
}
