'use client'

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { linkTarget } from '../../../server/domain/link-target.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog, DialogBody, DialogContent, DialogFooter } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { Input } from '../ui/input.tsx'
import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '../ui/select.tsx'
import type { ListedOrigin } from './origin-words.ts'

const LIVES = [
  { seconds: 3_600, name: 'An hour' },
  { seconds: 86_400, name: 'A day' },
  { seconds: 604_800, name: 'A week' },
  { seconds: 2_592_000, name: '30 days' },
] as const

/** Makes a link to a file of an origin; a signed one where that is what lets readers in. */
export function LinkDialog({ origin, onClose }: { origin: ListedOrigin | null; onClose: () => void }) {
  return (
    <Dialog open={origin !== null} onOpenChange={(open) => !open && onClose()}>
      {origin && (
        <DialogContent
          title={`Link to a file of ${origin.name}`}
          description={
            origin.access === 'signed'
              ? 'Who has the link may read that one file until it ends.'
              : origin.access === 'token'
                ? 'Readers send an API token: Authorization: Bearer …'
                : 'Anybody who reaches the engine may read it.'
          }
          className="sm:max-w-xl"
        >
          <LinkForm origin={origin} close={onClose} />
        </DialogContent>
      )}
    </Dialog>
  )
}

function LinkForm({ origin, close }: { origin: ListedOrigin; close: () => void }) {
  const trpc = useTRPC()
  const sign = useMutation(trpc.origins.signLink.mutationOptions())
  const [path, setPath] = useState('')
  const [seconds, setSeconds] = useState<string>(String(LIVES[1].seconds))
  const isSigned = origin.access === 'signed'
  const target = linkTarget(path.trim())
  const plain = target === null || origin.url === null ? null : origin.url + target
  const url = isSigned ? (sign.data?.url ?? null) : plain
  const type = (next: string) => {
    setPath(next)
    sign.reset()
  }
  return (
    <form
      noValidate
      className="flex min-h-0 flex-1 flex-col"
      onSubmit={(event) => {
        event.preventDefault()
        if (isSigned) sign.mutate({ originId: origin.id, path: path.trim(), expiresInSeconds: Number(seconds) })
      }}
    >
      <DialogBody className="grid gap-4">
        <Field
          label="Path of the file"
          error={
            target === null && path.trim() !== ''
              ? 'The path is that of a file below the origin, such as videos/film.mp4.'
              : undefined
          }
          hint={
            <span className="num break-all">
              {origin.baseUrl}/{target}
            </span>
          }
        >
          <Input
            autoComplete="off"
            className="font-mono"
            onChange={(event) => type(event.target.value)}
            placeholder="videos/film.mp4"
            spellCheck={false}
            value={path}
          />
        </Field>
        {isSigned && (
          <Field label="Holds for">
            <LifeSelect
              value={seconds}
              onChange={(next) => {
                setSeconds(next)
                sign.reset()
              }}
            />
          </Field>
        )}
        {url && (
          <div className="flex items-center gap-2 rounded-md border bg-muted py-1 pr-1 pl-3">
            <code className="num min-w-0 flex-1 select-all break-all text-xs">{url}</code>
            <CopyButton text={url} label="Copy the link" />
          </div>
        )}
        {sign.data && (
          <p className="text-muted-foreground text-xs">
            Ends on {sign.data.expiresAt.toLocaleString()}. It cannot be taken back before, but for removing the origin.
          </p>
        )}
        {sign.error && <Callout tone="destructive">{failureOf(sign.error).message}</Callout>}
        {origin.url === null && (
          <Callout tone="warning">
            No engine runs, so there is no address a link could lead to. Start one with npm run engine.
          </Callout>
        )}
      </DialogBody>
      <DialogFooter>
        <Button variant={isSigned ? 'ghost' : 'default'} onClick={close}>
          Close
        </Button>
        {isSigned && (
          <Button type="submit" disabled={target === null || sign.isPending}>
            Sign link
          </Button>
        )}
      </DialogFooter>
    </form>
  )
}

function LifeSelect({ value, onChange, ...field }: { value: string; onChange: (value: string) => void; id?: string }) {
  return (
    <Select value={value} onValueChange={onChange}>
      <SelectTrigger {...field}>
        <SelectValue />
      </SelectTrigger>
      <SelectContent>
        {LIVES.map(({ seconds, name }) => (
          <SelectItem key={seconds} value={String(seconds)}>
            {name}
          </SelectItem>
        ))}
      </SelectContent>
    </Select>
  )
}
