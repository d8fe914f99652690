'use client'

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { toast } from 'sonner'
import type { BucketView } from '../../../server/domain/bucket.ts'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { Callout } from '../ui/callout.tsx'
import { Dialog, DialogBody, DialogContent, DialogFooter } from '../ui/dialog.tsx'
import { issuesOf } from '../ui/issues-of.ts'
import { useForm } from '../ui/use-form.ts'
import { BucketChecks } from './bucket-checks.tsx'
import { BucketFields } from './bucket-fields.tsx'
import { apiErrors, type BucketForm, checkForm, formOf } from './bucket-form.ts'
import { useBucketTest } from './use-bucket-test.ts'

/** Adds a bucket, or changes `bucket`. */
export function BucketDialog(props: {
  open: boolean
  bucket: BucketView | null
  onOpenChange: (open: boolean) => void
}) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      <DialogContent
        title={props.bucket ? `Edit ${props.bucket.name}` : 'Add a bucket'}
        description={
          props.bucket ? undefined : 'Where transfers go. Keys are sealed before they are stored and never shown again.'
        }
        className="sm:max-w-xl"
      >
        <BucketEditor bucket={props.bucket} close={() => props.onOpenChange(false)} />
      </DialogContent>
    </Dialog>
  )
}

function BucketEditor({ bucket, close }: { bucket: BucketView | null; close: () => void }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const save = useMutation(trpc.buckets.save.mutationOptions())
  const { state: test, test: runTest, forget } = useBucketTest()
  const { ref, form, errors, setErrors, change } = useForm<BucketForm>(() => formOf(bucket))
  const resultRef = useRef<HTMLDivElement>(null)
  // On phones the fields are longer than the window: what came of a test, or what is wrong, is brought into sight.
  useEffect(() => {
    if (test.kind !== 'none') resultRef.current?.scrollIntoView({ block: 'nearest' })
  }, [test.kind])
  const checked = () => {
    const result = checkForm(form, bucket?.id)
    setErrors('errors' in result ? result.errors : {})
    return 'input' in result ? result.input : null
  }
  const testDraft = () => {
    const draft = checked()
    if (draft) runTest({ draft })
  }
  const submit = async () => {
    const input = checked()
    if (!input) return
    try {
      await save.mutateAsync(input)
      await queryClient.invalidateQueries({ queryKey: trpc.buckets.list.queryKey() })
      toast.success(bucket ? `Saved ${input.name}.` : `Added ${input.name}.`)
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
        <BucketFields
          form={form}
          errors={errors}
          bucket={bucket}
          onChange={(next) => {
            change(next)
            forget()
          }}
        />
        <div ref={resultRef} className="grid gap-4 empty:hidden">
          <BucketChecks test={test} folded />
          {errors.form && <Callout tone="destructive">{errors.form}</Callout>}
        </div>
      </DialogBody>
      <DialogFooter>
        <Button variant="outline" className="mr-auto" disabled={test.kind === 'running'} onClick={testDraft}>
          {test.kind === 'running' ? 'Testing' : 'Test'}
        </Button>
        <Button variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" disabled={save.isPending}>
          {bucket ? 'Save changes' : 'Add bucket'}
        </Button>
      </DialogFooter>
    </form>
  )
}
