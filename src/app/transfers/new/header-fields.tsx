'use client'

import { Plus, X } from 'lucide-react'
import { Button } from '../../_components/ui/button.tsx'
import { Input } from '../../_components/ui/input.tsx'
import { Label } from '../../_components/ui/label.tsx'
import type { TransferOptions } from './transfer-options.ts'

type Headers = TransferOptions['headers']

/** Headers sent to the source with each request. Values are hidden as typed; once started, nobody can read them again. */
export function HeaderFields(props: {
  headers: Headers
  problem: string | undefined
  label?: string
  hint?: string
  onChange: (headers: Headers) => void
}) {
  const { headers, problem, onChange } = props
  const change = (id: number, part: Partial<Headers[number]>) =>
    onChange(headers.map((header) => (header.id === id ? { ...header, ...part } : header)))
  const add = () => onChange([...headers, { id: Math.max(0, ...headers.map(({ id }) => id)) + 1, name: '', value: '' }])
  return (
    <div className="grid content-start gap-1 sm:col-span-2 lg:col-span-3">
      <Label asChild>
        <span>{props.label ?? 'Headers for the source'}</span>
      </Label>
      {headers.map((header) => (
        <div className="flex gap-2" key={header.id}>
          <Input
            aria-label="Header name"
            autoComplete="off"
            className="num max-w-56 text-xs"
            onChange={(event) => change(header.id, { name: event.target.value })}
            placeholder="Authorization"
            spellCheck={false}
            value={header.name}
          />
          <Input
            aria-label="Header value"
            autoComplete="off"
            className="num text-xs"
            onChange={(event) => change(header.id, { value: event.target.value })}
            placeholder="Bearer …"
            type="password"
            value={header.value}
          />
          <Button
            aria-label="Remove the header"
            onClick={() => onChange(headers.filter(({ id }) => id !== header.id))}
            size="icon"
            variant="ghost"
          >
            <X aria-hidden />
          </Button>
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Button onClick={add} size="sm" variant="outline">
          <Plus aria-hidden /> Add a header
        </Button>
        <p
          className={problem ? 'text-destructive text-xs' : 'text-muted-foreground text-xs'}
          role={problem ? 'alert' : undefined}
        >
          {problem ?? props.hint ?? 'For sources that ask for a sign-in. Stored sealed, never shown again.'}
        </p>
      </div>
    </div>
  )
}
