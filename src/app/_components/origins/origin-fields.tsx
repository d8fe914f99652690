'use client'

import { useId } from 'react'
import type { PublishedOriginView } from '../../../server/domain/published-origin.ts'
import { HeaderFields } from '../../transfers/new/header-fields.tsx'
import { Button } from '../ui/button.tsx'
import { Field } from '../ui/field.tsx'
import { Input } from '../ui/input.tsx'
import { Label } from '../ui/label.tsx'
import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '../ui/select.tsx'
import { Switch } from '../ui/switch.tsx'
import type { OriginErrors, OriginForm } from './origin-form.ts'

const ACCESS = [
  { value: 'public', name: 'Public', note: 'anybody who reaches the engine' },
  { value: 'token', name: 'API token', note: 'Authorization: Bearer …' },
  { value: 'signed', name: 'Signed links', note: 'each for one file, until a time' },
] as const

const HTTP_VERSIONS = [
  { value: '1.1', name: 'HTTP/1.1', note: 'a connection for each request' },
  { value: '2', name: 'HTTP/2', note: 'at most 8 connections, shared' },
] as const

/** The fields of an origin; what most leave as it is is folded away. */
export function OriginFields(props: {
  form: OriginForm
  errors: OriginErrors
  origin: PublishedOriginView | null
  onChange: (form: OriginForm) => void
}) {
  const { form, errors, origin, onChange } = props
  const heuristicId = useId()
  const text = (name: 'name' | 'baseUrl' | 'ttlSeconds' | 'sizeCap' | 'lanes') => ({
    value: form[name],
    autoComplete: 'off',
    spellCheck: false,
    onChange: (event: { target: { value: string } }) => onChange({ ...form, [name]: event.target.value }),
  })
  const isTuned = ['ttlSeconds', 'sizeCap', 'lanes', 'httpVersion', 'headers'].some((name) => name in errors)
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Name"
        error={errors.name}
        hint={
          <>
            Part of every link: <span className="num">/o/{form.name || 'name'}/…</span>
          </>
        }
      >
        <Input {...text('name')} maxLength={63} className="font-mono" />
      </Field>
      <Field label="Who may read" error={errors.access}>
        <Choice options={ACCESS} value={form.access} onChange={(access) => onChange({ ...form, access })} />
      </Field>
      <Field
        label="Base URL"
        error={errors.baseUrl}
        hint="What stands before every path, perhaps with a folder."
        className="sm:col-span-2"
      >
        <Input {...text('baseUrl')} inputMode="url" className="font-mono" />
      </Field>
      {form.headers === null ? (
        <div className="grid gap-1 sm:col-span-2">
          <span className="font-medium text-sm">Headers for the origin</span>
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-muted-foreground">
            <span>
              Sends <span className="num">{origin?.headerNames.join(', ')}</span>. Their values cannot be shown.
            </span>
            <Button variant="outline" size="sm" onClick={() => onChange({ ...form, headers: [] })}>
              Replace them
            </Button>
          </p>
        </div>
      ) : (
        <HeaderFields
          headers={form.headers}
          problem={errors.headers}
          label="Headers for the origin"
          hint={
            origin && origin.headerNames.length > 0
              ? 'These take the place of the ones that are stored; none removes them.'
              : 'For origins that ask for a sign-in. Stored sealed, never shown again.'
          }
          onChange={(headers) => onChange({ ...form, headers })}
        />
      )}
      <details className="group sm:col-span-2" open={isTuned || undefined}>
        <summary className="focus-ring w-fit rounded-sm text-muted-foreground hover:text-foreground">
          Freshness, sizes and connections
        </summary>
        <div className="grid gap-4 pt-3 sm:grid-cols-2">
          <Field
            label="Fresh for, in seconds"
            optional
            error={errors.ttlSeconds}
            hint="Empty: as long as the origin says."
          >
            <Input {...text('ttlSeconds')} inputMode="numeric" className="font-mono" />
          </Field>
          <Field
            label="Keep files up to"
            optional
            error={errors.sizeCap}
            hint="Larger ones are served, not kept. Such as 20 GiB."
          >
            <Input {...text('sizeCap')} className="font-mono" />
          </Field>
          <Field label="Lanes" optional error={errors.lanes} hint="Requests to it at once, 1 to 64. Empty: found out.">
            <Input {...text('lanes')} inputMode="numeric" className="font-mono" />
          </Field>
          <Field
            label="HTTP version"
            error={errors.httpVersion}
            hint="HTTP/2 pays where an origin allows few connections, costs about twice the processor time, and needs https. An origin without it is read over HTTP/1.1."
          >
            <Choice
              options={HTTP_VERSIONS}
              value={form.httpVersion}
              onChange={(httpVersion) => onChange({ ...form, httpVersion })}
            />
          </Field>
          <div className="flex items-center gap-3 sm:col-span-2">
            <Switch
              id={heuristicId}
              checked={form.heuristicFreshness}
              onCheckedChange={(heuristicFreshness) => onChange({ ...form, heuristicFreshness })}
            />
            <Label htmlFor={heuristicId} className="font-normal">
              Where the origin says nothing, take a file for fresh for a tenth of its age
            </Label>
          </div>
        </div>
      </details>
    </div>
  )
}

function Choice<Value extends string>({
  options,
  value,
  onChange,
  ...field
}: {
  options: readonly { value: Value; name: string; note: string }[]
  value: Value
  onChange: (value: Value) => void
  id?: string
}) {
  return (
    <Select value={value} onValueChange={(next) => onChange(next as Value)}>
      <SelectTrigger {...field}>
        <SelectValue />
      </SelectTrigger>
      <SelectContent>
        {options.map((option) => (
          <SelectItem key={option.value} value={option.value} note={option.note}>
            {option.name}
          </SelectItem>
        ))}
      </SelectContent>
    </Select>
  )
}
