'use client'

import { useEffect, useRef } from 'react'
import { Button } from '../../_components/ui/button.tsx'
import { Label } from '../../_components/ui/label.tsx'
import { Textarea } from '../../_components/ui/textarea.tsx'
import { MOST_LINES, repeatedRemark, type SourceLines } from './source-lines.ts'

interface SourceFieldProps {
  value: string
  repeated: SourceLines['repeated']
  beyond: number
  sampleUrl: string | null
  onChange: (text: string) => void
}

/** The one big field. It has the cursor when the page opens, so that pasting is the first thing one can do. */
export function SourceField({ value, repeated, beyond, sampleUrl, onChange }: SourceFieldProps) {
  const ref = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    const field = ref.current
    field?.focus({ preventScroll: true })
    field?.setSelectionRange(field.value.length, field.value.length)
  }, [])
  const remark = repeatedRemark(repeated)
  return (
    <div className="grid gap-1.5">
      <Label className="text-base" htmlFor="sources">
        Links to the files
      </Label>
      <Textarea
        aria-describedby="sources-note"
        autoCapitalize="off"
        autoComplete="off"
        autoCorrect="off"
        className="num max-h-80 min-h-32 text-sm leading-6"
        id="sources"
        onChange={(event) => onChange(event.target.value)}
        placeholder={'https://releases.example.org/image.iso\nhttps://data.example.net/corpus-00001.tar.zst'}
        ref={ref}
        spellCheck={false}
        value={value}
        wrap="off"
      />
      <p className="flex min-h-5 flex-wrap items-baseline gap-x-3 text-muted-foreground text-xs" id="sources-note">
        <span>One link a line, http:// or https://.</span>
        {remark && <span className="text-warning">{remark}</span>}
        {beyond > 0 && (
          <span className="text-warning">
            {MOST_LINES.toLocaleString('en-US')} lines at once; the last {beyond.toLocaleString('en-US')} are left out.
          </span>
        )}
        {sampleUrl && !value.includes(sampleUrl) && (
          <Button
            className="text-xs"
            onClick={() => onChange(value.trim() === '' ? sampleUrl : `${value.trimEnd()}\n${sampleUrl}`)}
            variant="link"
          >
            No link at hand? Use the sample file
          </Button>
        )}
      </p>
    </div>
  )
}
