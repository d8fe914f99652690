'use client'

import { useId, useState } from 'react'
import type { BucketView } from '../../../server/domain/bucket.ts'
import { Field } from '../ui/field.tsx'
import { Input } from '../ui/input.tsx'
import { Label } from '../ui/label.tsx'
import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '../ui/select.tsx'
import { Switch } from '../ui/switch.tsx'
import { type BucketForm, type FormErrors, withPreset, withRegion } from './bucket-form.ts'
import { BUCKET_PRESETS, presetOf } from './bucket-presets.ts'

/** The fields of a bucket. A preset fills in what the kind of store decides. */
export function BucketFields(props: {
  form: BucketForm
  errors: FormErrors
  bucket: BucketView | null
  onChange: (form: BucketForm) => void
}) {
  const { form, errors, onChange } = props
  const [presetId, setPresetId] = useState(() => presetOf(form.endpoint).id)
  const preset = BUCKET_PRESETS.find(({ id }) => id === presetId) ?? presetOf(form.endpoint)
  const pathStyleId = useId()
  const text = (field: 'name' | 'endpoint' | 'bucket' | 'accessKeyId' | 'secretAccessKey' | 'prefix') => ({
    value: form[field],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => onChange({ ...form, [field]: event.target.value }),
    autoComplete: 'off',
    spellCheck: false,
  })
  return (
    <div className="grid gap-x-4 gap-y-3 sm:grid-cols-2">
      <div className="grid content-start gap-1">
        <Label htmlFor={`${pathStyleId}-store`}>Store</Label>
        <Select
          value={presetId}
          onValueChange={(id) => {
            const chosen = BUCKET_PRESETS.find((each) => each.id === id)
            if (!chosen) return
            setPresetId(id)
            onChange(withPreset(form, chosen))
          }}
        >
          <SelectTrigger id={`${pathStyleId}-store`}>
            <SelectValue />
          </SelectTrigger>
          <SelectContent>
            {BUCKET_PRESETS.map(({ id, name }) => (
              <SelectItem key={id} value={id}>
                {name}
              </SelectItem>
            ))}
          </SelectContent>
        </Select>
      </div>
      <Field label="Name in Sluice" error={errors.name} hint="By which you find it in lists.">
        <Input {...text('name')} maxLength={64} />
      </Field>
      <Field label="Endpoint" error={errors.endpoint} hint={preset.hint} className="sm:col-span-2">
        <Input {...text('endpoint')} inputMode="url" placeholder="https://s3.example.org" className="font-mono" />
      </Field>
      <Field label="Bucket" error={errors.bucket}>
        <Input {...text('bucket')} className="font-mono" />
      </Field>
      <Field label="Region" error={errors.region}>
        <Input
          value={form.region}
          onChange={(event) => onChange(withRegion(form, event.target.value, preset))}
          autoComplete="off"
          spellCheck={false}
          className="font-mono"
        />
      </Field>
      <Field
        label="Access key ID"
        error={errors.accessKeyId}
        hint={props.bucket ? `Leave empty to keep the one that ends in ${props.bucket.accessKeyIdHint}.` : undefined}
      >
        <Input {...text('accessKeyId')} className="font-mono" />
      </Field>
      <Field
        label="Secret access key"
        error={errors.secretAccessKey}
        hint={props.bucket ? 'Leave empty to keep it. It cannot be shown.' : undefined}
      >
        <Input {...text('secretAccessKey')} type="password" autoComplete="new-password" className="font-mono" />
      </Field>
      <Field
        label="Prefix"
        optional
        error={errors.prefix}
        hint="Before the file name where a transfer gives no key; raw/ is a folder."
      >
        <Input {...text('prefix')} className="font-mono" />
      </Field>
      <div className="flex items-center gap-3 self-start sm:pt-6.5">
        <Switch
          id={pathStyleId}
          checked={form.forcePathStyle}
          onCheckedChange={(forcePathStyle) => onChange({ ...form, forcePathStyle })}
        />
        <Label htmlFor={pathStyleId} className="font-normal">
          Bucket name in the path, not in the host
        </Label>
      </div>
    </div>
  )
}
