'use client'

import Link from 'next/link'
import type { BucketView } from '../../../server/domain/bucket.ts'
import type { TransferInput } from '../../../server/domain/transfer-input.ts'
import { Button } from '../../_components/ui/button.tsx'
import { Callout } from '../../_components/ui/callout.tsx'
import { Field } from '../../_components/ui/field.tsx'
import { Input } from '../../_components/ui/input.tsx'
import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '../../_components/ui/select.tsx'
import { Skeleton } from '../../_components/ui/skeleton.tsx'

export type IfExists = NonNullable<TransferInput['ifExists']>

export interface Target {
  bucketId: string
  folder: string
  ifExists: IfExists
}

interface TargetFieldsProps {
  /** Undefined while they are read. */
  buckets: BucketView[] | undefined
  failure: string | null
  target: Target
  bucketProblem: string | null
  onChange: (target: Target) => void
}

/** Where everything goes: bucket, a folder for all lines, and what happens when a key is taken. */
export function TargetFields({ buckets, failure, target, bucketProblem, onChange }: TargetFieldsProps) {
  if (failure && !buckets)
    return (
      <Callout title="The buckets could not be read" tone="destructive">
        {failure}
      </Callout>
    )
  if (buckets?.length === 0)
    return (
      <Callout
        action={
          <Button asChild>
            <Link href="/buckets">Add a bucket</Link>
          </Button>
        }
        title="There is no bucket yet"
        tone="warning"
      >
        A transfer needs a place to go. Add any S3-compatible bucket; or start Sluice with{' '}
        <code className="num">npm start</code>, which brings a bucket of its own for trying out.
      </Callout>
    )
  return (
    <div className="grid gap-3 sm:grid-cols-3">
      <Field error={bucketProblem} label="Bucket">
        {buckets ? (
          <BucketSelect
            buckets={buckets}
            onChange={(bucketId) => onChange({ ...target, bucketId })}
            value={target.bucketId}
          />
        ) : (
          <Skeleton className="h-8" />
        )}
      </Field>
      <Field label="Folder" optional>
        <Input
          className="num text-xs"
          onChange={(event) => onChange({ ...target, folder: event.target.value })}
          placeholder="2026/november"
          spellCheck={false}
          value={target.folder}
        />
      </Field>
      <Field label="If the key is taken">
        <IfExistsSelect onChange={(ifExists) => onChange({ ...target, ifExists })} value={target.ifExists} />
      </Field>
    </div>
  )
}

type Control = { id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }

function BucketSelect({
  buckets,
  value,
  onChange,
  ...control
}: Control & { buckets: BucketView[]; value: string; onChange: (bucketId: string) => void }) {
  return (
    <Select onValueChange={onChange} value={value}>
      <SelectTrigger {...control}>
        <SelectValue placeholder="Choose a bucket" />
      </SelectTrigger>
      <SelectContent>
        {buckets.map((bucket) => (
          <SelectItem key={bucket.id} note={bucket.embedded ? 'embedded' : bucket.bucket} value={bucket.id}>
            {bucket.name}
          </SelectItem>
        ))}
      </SelectContent>
    </Select>
  )
}

function IfExistsSelect({
  value,
  onChange,
  ...control
}: Control & { value: IfExists; onChange: (ifExists: IfExists) => void }) {
  return (
    <Select onValueChange={(next) => onChange(next as IfExists)} value={value}>
      <SelectTrigger {...control}>
        <SelectValue />
      </SelectTrigger>
      <SelectContent>
        <SelectItem value="fail">Stop with an error</SelectItem>
        <SelectItem value="skip">Skip the transfer</SelectItem>
        <SelectItem value="overwrite">Overwrite the object</SelectItem>
      </SelectContent>
    </Select>
  )
}
