'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Gauge } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { formatBytes, formatRate, MIB, parseBytes } from '../../../server/domain/bytes.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Input } from '../ui/input.tsx'
import { Popover, PopoverContent, PopoverTrigger } from '../ui/popover.tsx'

const PRESETS = [10 * MIB, 50 * MIB, 200 * MIB]

/** Limits one transfer while it runs. The engine takes it up with its next look at the row, within a second or two. */
export function BandwidthPopover({ transferId, limit }: { transferId: string; limit: number | null }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const [open, setOpen] = useState(false)
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string | null>(null)
  const save = useMutation(
    trpc.transfers.setBandwidth.mutationOptions({
      onSuccess: async ({ refused }) => {
        const failure = refused[0]?.failure
        if (failure) return setProblem(failure.message)
        setOpen(false)
        await queryClient.invalidateQueries({ queryKey: trpc.transfers.byId.queryKey() })
      },
      onError: (error) => setProblem(failureOf(error).message),
    }),
  )
  const apply = (bytesPerSecond: number | null) => save.mutate({ ids: [transferId], bytesPerSecond })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const bytes = parseBytes(text.replace(/\/s\s*$/, ''))
    if (bytes === null || bytes < 1024) setProblem('Write a rate of at least 1 KiB, such as 50 MiB.')
    else apply(bytes)
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
        <Button variant="outline">
          <Gauge aria-hidden />
          {limit === null ? 'Limit' : <span className="num">{formatRate(limit)}</span>}
        </Button>
      </PopoverTrigger>
      <PopoverContent align="end">
        <form className="grid gap-3" onSubmit={submit}>
          <Field error={problem} hint="For this transfer, over all engines." label="At most, a second">
            <Input onChange={(event) => setText(event.target.value)} placeholder="50 MiB" value={text} />
          </Field>
          <div className="flex flex-wrap gap-2">
            {PRESETS.map((preset) => (
              <Button className="num" key={preset} onClick={() => apply(preset)} size="sm" variant="secondary">
                {preset / MIB} MiB/s
              </Button>
            ))}
          </div>
          <div className="flex justify-end gap-2">
            <Button disabled={limit === null || save.isPending} onClick={() => apply(null)} variant="outline">
              Lift the limit
            </Button>
            <Button disabled={save.isPending} type="submit">
              Set limit
            </Button>
          </div>
        </form>
      </PopoverContent>
    </Popover>
  )
}
