'use client'

import { ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'
import { CHECKSUM_ALGORITHMS } from '../../../server/domain/transfer.ts'
import { algorithmName } from '../../../server/domain/verification-words.ts'
import { Field } from '../../_components/ui/field.tsx'
import { Input } from '../../_components/ui/input.tsx'
import { Select, SelectContent, SelectItem, SelectTrigger, SelectValue } from '../../_components/ui/select.tsx'
import { HeaderFields } from './header-fields.tsx'
import { type OptionsProblems, optionsSummary, type TransferOptions } from './transfer-options.ts'

interface OptionsPanelProps {
  options: TransferOptions
  problems: OptionsProblems
  single: boolean
  onChange: (options: TransferOptions) => void
}

/** Everything that has a good default, folded; the closed line tells what was changed. */
export function OptionsPanel({ options, problems, single, onChange }: OptionsPanelProps) {
  const set = <Name extends keyof TransferOptions>(name: Name, value: TransferOptions[Name]) =>
    onChange({ ...options, [name]: value })
  const summary = optionsSummary(options, single)
  return (
    <details className="group border-y" open={Object.keys(problems).length > 0 || undefined}>
      <summary className="focus-ring flex h-10 list-none items-center gap-2 font-medium">
        <ChevronRight aria-hidden className="size-4 text-dim transition-transform group-open:rotate-90" />
        Options
        <span className="min-w-0 truncate font-normal text-muted-foreground">
          {summary || 'headers, part size, lanes, limit, priority, checksum, start time'}
        </span>
      </summary>
      <div className="grid gap-4 pt-1 pb-5 sm:grid-cols-2 lg:grid-cols-3">
        <HeaderFields
          headers={options.headers}
          onChange={(headers) => set('headers', headers)}
          problem={problems.headers}
        />
        <Field hint={sizingHint(options)} label="Part size">
          <Choice
            items={{ auto: 'By size and lanes', table: 'By table', own: 'My own' }}
            onChange={(sizing) => set('sizing', sizing)}
            value={options.sizing}
          />
        </Field>
        {options.sizing === 'own' && (
          <Field error={problems.partSize} label="Own part size">
            <Input
              onChange={(event) => set('partSize', event.target.value)}
              placeholder="64 MiB"
              value={options.partSize}
            />
          </Field>
        )}
        <Field error={problems.lanes} hint="Parts sent at once, 1 to 20." label="Upload lanes">
          <Input
            inputMode="numeric"
            onChange={(event) => set('lanes', event.target.value)}
            placeholder="10"
            value={options.lanes}
          />
        </Field>
        <Field error={problems.bandwidthLimit} hint="Can be changed while it runs." label="At most, a second">
          <Input
            onChange={(event) => set('bandwidthLimit', event.target.value)}
            placeholder="no limit"
            value={options.bandwidthLimit}
          />
        </Field>
        <Field hint="Which waiting transfer starts first." label="Priority">
          <Choice
            items={{ '10': 'Before others', '0': 'Normal', '-10': 'After others' }}
            onChange={(priority) => set('priority', Number(priority))}
            value={String(options.priority) as '10' | '0' | '-10'}
          />
        </Field>
        <Field error={problems.startAt} hint="In your time zone." label="Start at" optional>
          <Input
            onChange={(event) => set('startAt', event.target.value)}
            type="datetime-local"
            value={options.startAt}
          />
        </Field>
        <Field hint={identityHint(options)} label="The file is known by">
          <Choice
            items={{ etag: 'Its ETag', date: 'Length and Last-Modified' }}
            onChange={(by) => set('trustLengthAndDate', by === 'date')}
            value={options.trustLengthAndDate ? 'date' : 'etag'}
          />
        </Field>
        <Field hint={linkHint(options)} label="The link works">
          <Choice
            items={{ often: 'Every time', once: 'Once' }}
            onChange={(times) => set('oneTimeLink', times === 'once')}
            value={options.oneTimeLink ? 'once' : 'often'}
          />
        </Field>
        <Field
          className="sm:col-span-2 lg:col-span-3"
          error={problems.checksum}
          hint={
            single
              ? 'Hexadecimal or base64, as the publisher gives it. The object is proven against it.'
              : 'Only with a single link: one value can only be right for one file.'
          }
          label="Expected checksum"
          optional
        >
          <ChecksumFields disabled={!single} onChange={onChange} options={options} />
        </Field>
      </div>
    </details>
  )
}

function sizingHint(options: TransferOptions): string {
  if (options.sizing === 'table') return '100 MiB, 250 MiB or 500 MiB by the size of the file.'
  if (options.sizing === 'own') return 'From 5 MiB to 5 GiB; rounded up to whole slices.'
  return 'So that every lane has work.'
}

function identityHint(options: TransferOptions): string {
  if (options.trustLengthAndDate)
    return 'A change that keeps both goes unnoticed. Give an expected checksum to be sure.'
  return 'The other choice is for servers whose ETag varies without a change.'
}

function linkHint(options: TransferOptions): string {
  if (options.oneTimeLink) return 'It is not looked at before, and read in one stream.'
  return 'Choose Once before you paste a link that may be used only once.'
}

type Control = { id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }

function Choice<Value extends string>({
  items,
  value,
  onChange,
  className,
  disabled,
  label,
  ...control
}: Control & {
  items: Record<Value, string>
  value: Value
  onChange: (value: Value) => void
  className?: string
  disabled?: boolean
  label?: string
}) {
  return (
    <Select disabled={disabled ?? false} onValueChange={(next) => onChange(next as Value)} value={value}>
      <SelectTrigger aria-label={label} className={className} {...control}>
        <SelectValue />
      </SelectTrigger>
      <SelectContent>
        {(Object.entries(items) as [Value, ReactNode][]).map(([name, words]) => (
          <SelectItem key={name} value={name}>
            {words}
          </SelectItem>
        ))}
      </SelectContent>
    </Select>
  )
}

const ALGORITHM_ITEMS = Object.fromEntries(CHECKSUM_ALGORITHMS.map((name) => [name, algorithmName(name)])) as Record<
  TransferOptions['checksumAlgorithm'],
  string
>

function ChecksumFields({
  options,
  disabled,
  onChange,
  ...control
}: Control & { options: TransferOptions; disabled: boolean; onChange: (options: TransferOptions) => void }) {
  return (
    <div className="flex gap-2">
      <Choice
        className="w-36"
        disabled={disabled}
        items={ALGORITHM_ITEMS}
        label="Algorithm"
        onChange={(checksumAlgorithm) => onChange({ ...options, checksumAlgorithm })}
        value={options.checksumAlgorithm}
      />
      <Input
        {...control}
        className="num text-xs"
        disabled={disabled}
        onChange={(event) => onChange({ ...options, checksumValue: event.target.value })}
        spellCheck={false}
        value={options.checksumValue}
      />
    </div>
  )
}
