/** The mark of Sluice: a gate with water passing through it. */
export function LogoMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 20 20" className={className} aria-hidden fill="none">
      <path d="M3 2.5v15M17 2.5v15" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />
      <path d="M6.5 6h7M6.5 10h4.5M6.5 14h7M14 10h-.2" stroke="var(--water)" strokeWidth="2.25" strokeLinecap="round" />
    </svg>
  )
}
