'use client'

import { Gauge } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { formatBytes, formatRate, MIB, parseBytes } from '../../../server/domain/bytes.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Input } from '../ui/input.tsx'
import { Popover, PopoverContent, PopoverTrigger } from '../ui/popover.tsx'

const PRESETS = [10 * MIB, 50 * MIB, 200 * MIB]

/** Shows a bandwidth limit and sets another. `save` resolves with the sentence that says why it could not be, or null. */
export function LimitPopover({
  limit,
  hint,
  label,
  save,
}: {
  limit: number | null
  hint: string
  /** Of the button, for those who cannot see what it stands beside. */
  label?: string
  save: (bytesPerSecond: number | null) => Promise<string | null>
}) {
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const [isSaving, setIsSaving] = useState(false)
  const apply = async (bytesPerSecond: number | null) => {
    setIsSaving(true)
    const refusal = await save(bytesPerSecond)
    setIsSaving(false)
    setProblem(refusal)
    if (refusal === null) setOpen(false)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const bytes = parseBytes(text.replace(/\/s\s*$/, ''))
    if (bytes === null || bytes < 1024) setProblem('Write a rate of at least 1 KiB, such as 50 MiB.')
    else void apply(bytes)
  }
  return (
    <Popover
      onOpenChange={(next) => {
        setOpen(next)
        setProblem(null)
        setText(limit === null ? '' : formatBytes(limit))
      }}
      open={open}
    >
      <PopoverTrigger asChild>
        <Button aria-label={label} variant="outline">
          <Gauge aria-hidden />
          {limit === null ? 'Limit' : <span className="num">{formatRate(limit)}</span>}
        </Button>
      </PopoverTrigger>
      <PopoverContent align="end">
        <form className="grid gap-3" onSubmit={submit}>
          <Field error={problem} hint={hint} label="At most, a second">
            <Input onChange={(event) => setText(event.target.value)} placeholder="50 MiB" value={text} />
          </Field>
          <div className="flex flex-wrap gap-2">
            {PRESETS.map((preset) => (
              <Button className="num" key={preset} onClick={() => void apply(preset)} size="sm" variant="secondary">
                {preset / MIB} MiB/s
              </Button>
            ))}
          </div>
          <div className="flex justify-end gap-2">
            <Button disabled={limit === null || isSaving} onClick={() => void apply(null)} variant="outline">
              Lift the limit
            </Button>
            <Button disabled={isSaving} type="submit">
              Set limit
            </Button>
          </div>
        </form>
      </PopoverContent>
    </Popover>
  )
}
