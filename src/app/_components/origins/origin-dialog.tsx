'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { toast } from 'sonner'
import type { PublishedOriginView } from '../../../server/domain/published-origin.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { Dialog, DialogBody, DialogContent, DialogFooter } from '../ui/dialog.tsx'
import { issuesOf } from '../ui/issues-of.ts'
import { OriginFields } from './origin-fields.tsx'
import { apiErrors, checkForm, formOf, type OriginErrors, type OriginForm } from './origin-form.ts'

/** Publishes an origin, or changes `origin`. */
export function OriginDialog(props: {
  open: boolean
  origin: PublishedOriginView | null
  onOpenChange: (open: boolean) => void
}) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      <DialogContent
        title={props.origin ? `Edit ${props.origin.name}` : 'Publish an origin'}
        description={
          props.origin ? undefined : 'Engines serve its files by byte range and keep the slices that were asked for.'
        }
        className="sm:max-w-xl"
      >
        <OriginEditor origin={props.origin} close={() => props.onOpenChange(false)} />
      </DialogContent>
    </Dialog>
  )
}

function OriginEditor({ origin, close }: { origin: PublishedOriginView | null; close: () => void }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const save = useMutation(trpc.origins.save.mutationOptions())
  const [form, setForm] = useState<OriginForm>(() => formOf(origin))
  const [errors, setErrors] = useState<OriginErrors>({})
  const formRef = useRef<HTMLFormElement>(null)
  const wrongFields = Object.keys(errors).join(' ')
  useEffect(() => {
    if (wrongFields) formRef.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [wrongFields])

  const change = (next: OriginForm) => {
    setForm(next)
    // A sentence about a field goes away as soon as the field is changed.
    setErrors((now) => {
      const kept = Object.entries(now).filter(
        ([field]) => field !== 'form' && form[field as keyof OriginForm] === next[field as keyof OriginForm],
      )
      return Object.fromEntries(kept)
    })
  }
  const submit = async () => {
    const result = checkForm(form, origin)
    setErrors('errors' in result ? result.errors : {})
    if (!('input' in result)) return
    try {
      await save.mutateAsync(result.input)
      await queryClient.invalidateQueries({ queryKey: trpc.origins.list.queryKey() })
      toast.success(origin ? `Saved ${result.input.name}.` : `Published ${result.input.name}.`)
      close()
    } catch (error) {
      setErrors(apiErrors(issuesOf(error), failureOf(error).message))
    }
  }

  return (
    <form
      ref={formRef}
      noValidate
      className="flex min-h-0 flex-1 flex-col"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <DialogBody className="grid gap-4">
        <OriginFields form={form} errors={errors} origin={origin} onChange={change} />
        {errors.form && <Callout tone="destructive">{errors.form}</Callout>}
      </DialogBody>
      <DialogFooter>
        <Button variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" disabled={save.isPending}>
          {origin ? 'Save changes' : 'Publish origin'}
        </Button>
      </DialogFooter>
    </form>
  )
}
