'use client'

import { Check, Terminal } from 'lucide-react'
import { useState, useSyncExternalStore } from 'react'
import { formatBytes } from '../../../server/domain/bytes.ts'
import type { TransferInput } from '../../../server/domain/transfer-input.ts'
import { Button } from '../../_components/ui/button.tsx'
import { copyText } from '../../_components/ui/copy-text.ts'
import { Kbd } from '../../_components/ui/kbd.tsx'
import { curlCommand } from './curl-command.ts'
import type { NewTransferRow } from './new-transfer-rows.ts'

const noChange = () => () => undefined
const onMac = () => /Mac|iPhone|iPad/.test(navigator.userAgent)

interface StartBarProps {
  rows: readonly NewTransferRow[]
  items: readonly TransferInput[]
  isBlocked: boolean
  isStarting: boolean
}

/** What will happen, in a sentence, and the button that makes it happen. It stays in sight while rows scroll. */
export function StartBar({ rows, items, isBlocked, isStarting }: StartBarProps) {
  const [copied, setCopied] = useState(false)
  const isMac = useSyncExternalStore(noChange, onMac, () => false)
  const label = items.length > 1 ? `Start ${items.length.toLocaleString('en-US')} transfers` : 'Start transfer'
  return (
    <div className="sticky bottom-14 z-10 -mx-4 flex flex-wrap items-center gap-x-4 gap-y-2 border-t bg-background px-4 py-3 md:bottom-0 md:-mx-6 md:px-6">
      <p className="min-w-0 flex-1 text-muted-foreground max-sm:basis-full">{startSentence(rows, items.length)}</p>
      <Button
        disabled={isBlocked || items.length === 0}
        onClick={async () => {
          setCopied(await copyText(curlCommand(window.location.origin, items)))
          setTimeout(() => setCopied(false), 1500)
        }}
        title="What this form does, as a line for a shell. It holds the whole links and headers."
        variant="outline"
      >
        {copied ? <Check aria-hidden className="text-success" /> : <Terminal aria-hidden />}
        {copied ? 'Copied' : 'Copy as curl'}
      </Button>
      <Button disabled={isBlocked || items.length === 0 || isStarting} size="lg" type="submit">
        {isStarting ? 'Starting …' : label}
        <Kbd className="ml-1 border-primary-foreground/30 bg-transparent text-primary-foreground max-sm:hidden">
          {isMac ? '⌘ ↵' : 'Ctrl ↵'}
        </Kbd>
      </Button>
    </div>
  )
}

/** `3 files, 21.4 GiB and one of unknown size. 1 line cannot be started.` */
function startSentence(rows: readonly NewTransferRow[], ready: number): string {
  if (rows.length === 0) return 'Paste a link to begin.'
  const found = rows.flatMap(({ inspection }) => (inspection.state === 'found' ? [inspection.answer.sizeBytes] : []))
  const bytes = found.reduce<number>((sum, size) => sum + (size ?? 0), 0)
  const unknown = found.filter((size) => size === null).length
  const pieces: string[] = []
  if (bytes > 0) pieces.push(`${formatBytes(bytes)} to move`)
  if (unknown > 0) pieces.push(`${unknown} of unknown size`)
  const asking = rows.some(({ inspection }) => inspection.state === 'asking')
  if (pieces.length === 0 && asking) pieces.push('Looking at the source; you need not wait for it')
  const left = rows.length - ready
  if (left > 0) pieces.push(left === 1 ? '1 line cannot be started' : `${left} lines cannot be started`)
  return pieces.join(' · ')
}
