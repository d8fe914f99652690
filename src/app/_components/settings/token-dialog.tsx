'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { tokenInputSchema } from '../../../server/domain/token.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog, DialogBody, DialogContent, DialogFooter } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Input } from '../ui/input.tsx'
import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '../ui/select.tsx'

const DAY_MS = 86_400_000
const LIFETIMES = [
  { id: '30', name: '30 days', days: 30 },
  { id: '90', name: '90 days', days: 90 },
  { id: '365', name: 'A year', days: 365 },
  { id: 'never', name: 'Never', days: null },
] as const

/** Makes a token and shows it once. */
export function TokenDialog(props: { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      <DialogContent title="Create an API token" description="It has all rights of this dashboard.">
        <TokenForm close={() => props.onOpenChange(false)} />
      </DialogContent>
    </Dialog>
  )
}

function TokenForm({ close }: { close: () => void }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const create = useMutation(trpc.tokens.create.mutationOptions())
  const [name, setName] = useState('')
  const [lifetime, setLifetime] = useState<string>('90')
  const [error, setError] = useState<string | null>(null)

  const submit = async () => {
    const days = LIFETIMES.find(({ id }) => id === lifetime)?.days ?? null
    const input = { name, ...(days === null ? {} : { expiresAt: new Date(Date.now() + days * DAY_MS) }) }
    const parsed = tokenInputSchema.safeParse(input)
    if (!parsed.success) return setError(parsed.error.issues[0]?.message ?? 'The name cannot be used.')
    try {
      await create.mutateAsync(parsed.data)
      await queryClient.invalidateQueries({ queryKey: trpc.tokens.list.queryKey() })
    } catch (failed) {
      setError(failureOf(failed).message)
    }
  }

  if (create.data)
    return (
      <>
        <DialogBody className="grid gap-3">
          <p>Copy it now: it is not stored, so that nobody can show it again.</p>
          <div className="flex items-center gap-2 rounded-md border bg-muted py-1 pr-1 pl-3">
            <code className="num min-w-0 flex-1 select-all break-all text-xs">{create.data.token}</code>
            <CopyButton text={create.data.token} label="Copy the token" />
          </div>
        </DialogBody>
        <DialogFooter>
          <Button onClick={close}>I have it</Button>
        </DialogFooter>
      </>
    )
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <DialogBody className="grid gap-4">
        <Field label="Name" error={error} hint="What uses it, such as nightly-backup.">
          <Input
            value={name}
            maxLength={64}
            autoComplete="off"
            onChange={(event) => {
              setName(event.target.value)
              setError(null)
            }}
          />
        </Field>
        <Field label="Expires after">
          <LifetimeSelect value={lifetime} onChange={setLifetime} />
        </Field>
      </DialogBody>
      <DialogFooter>
        <Button variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" disabled={create.isPending}>
          Create token
        </Button>
      </DialogFooter>
    </form>
  )
}

function LifetimeSelect({
  value,
  onChange,
  ...field
}: {
  value: string
  onChange: (value: string) => void
  id?: string
}) {
  return (
    <Select value={value} onValueChange={onChange}>
      <SelectTrigger {...field}>
        <SelectValue />
      </SelectTrigger>
      <SelectContent>
        {LIFETIMES.map(({ id, name }) => (
          <SelectItem key={id} value={id}>
            {name}
          </SelectItem>
        ))}
      </SelectContent>
    </Select>
  )
}
