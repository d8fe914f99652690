'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { toast } from 'sonner'
import type { PublishedOriginView } from '../../../server/domain/published-origin.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { Dialog, DialogBody, DialogContent, DialogFooter } from '../ui/dialog.tsx'
import { issuesOf } from '../ui/issues-of.ts'
import { useForm } from '../ui/use-form.ts'
import { OriginFields } from './origin-fields.tsx'
import { apiErrors, checkForm, formOf, type OriginForm } from './origin-form.ts'

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
  const { ref, form, errors, setErrors, change } = useForm<OriginForm>(() => formOf(origin))

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
      ref={ref}
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
