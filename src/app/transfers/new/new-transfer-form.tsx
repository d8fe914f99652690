'use client'

import { useQuery } from '@tanstack/react-query'
import Link from 'next/link'
import { type FormEvent, type KeyboardEvent, useMemo, useRef, useState } from 'react'
import type { TransferInput } from '../../../server/domain/transfer-input.ts'
import { Callout } from '../../_components/ui/callout.tsx'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import type { InspectionState } from './inspection-queue.ts'
import { canStart, newTransferRows } from './new-transfer-rows.ts'
import { OptionsPanel } from './options-panel.tsx'
import { SourceField } from './source-field.tsx'
import { parseSourceLines, withoutLinks } from './source-lines.ts'
import { SourceRow } from './source-row.tsx'
import { StartBar } from './start-bar.tsx'
import { type Target, TargetFields } from './target-fields.tsx'
import { NO_OPTIONS, readOptions, type TransferOptions } from './transfer-options.ts'
import { useSourceInspections } from './use-source-inspections.ts'
import { useStartTransfers } from './use-start-transfers.ts'

const NO_URLS: readonly string[] = []
const NO_INSPECTIONS: ReadonlyMap<string, InspectionState> = new Map()

/** What the form begins with: from `?url=`, or from the transfer it duplicates. */
export interface NewTransferStart {
  text: string
  target: Partial<Target>
  options: Partial<TransferOptions>
  /** The key of the duplicated transfer, for its link. */
  key: string | null
  remark: string | null
}

/** Links in, transfers out: each line grows into a row while one types; what is wrong with one holds up no other. */
export function NewTransferForm({ start, sampleUrl }: { start: NewTransferStart; sampleUrl: string | null }) {
  const trpc = useTRPC()
  const formRef = useRef<HTMLFormElement>(null)
  const [text, setText] = useState(start.text)
  const [target, setTarget] = useState<Target>({ bucketId: '', folder: '', ifExists: 'fail', ...start.target })
  const [options, setOptions] = useState<TransferOptions>({ ...NO_OPTIONS, ...start.options })
  const [editedKeys, setEditedKeys] = useState<ReadonlyMap<string, string>>(
    new Map(start.key === null ? [] : [[start.text, start.key]]),
  )
  const [refusals, setRefusals] = useState<ReadonlyMap<string, string>>(new Map())
  const [startedCount, setStartedCount] = useState(0)
  const [tried, setTried] = useState(false)

  const buckets = useQuery(
    trpc.buckets.list.queryOptions(undefined, {
      refetchInterval: ({ state }) => (state.status === 'error' ? 5000 : false),
    }),
  )
  const parsed = useMemo(() => parseSourceLines(text), [text])
  const single = parsed.lines.length === 1
  const { input: optionsInput, problems } = readOptions(options, { single, nowMs: Date.now() })
  const urls = useMemo(() => parsed.lines.flatMap(({ url, problem }) => (problem ? [] : [url])), [parsed])
  // A look would use up a link that works once.
  const inspections = useSourceInspections(options.oneTimeLink ? NO_URLS : urls, optionsInput.sourceHeaders)

  // Until one is chosen it is the only one, or the embedded one.
  const bucket =
    buckets.data?.find(({ id }) => id === target.bucketId) ??
    (target.bucketId === '' ? (buckets.data?.find(({ embedded }) => embedded) ?? only(buckets.data)) : undefined)
  const rows = newTransferRows({
    lines: parsed.lines,
    inspections: options.oneTimeLink ? NO_INSPECTIONS : inspections.states,
    bucket,
    folder: target.folder,
    editedKeys,
    refusals,
  })
  const ready = rows.filter((row) => canStart(row, { later: optionsInput.startAt !== undefined }))
  const items = ready.map(
    (row): TransferInput => ({
      sourceUrl: row.url,
      bucketId: bucket?.id ?? '',
      key: row.key,
      ...(target.ifExists === 'fail' ? {} : { ifExists: target.ifExists }),
      ...optionsInput,
    }),
  )

  const starting = useStartTransfers({
    hasLeftLines: ready.length < rows.length,
    onStay: ({ started, refused }) => {
      const gone = new Set(started.map(({ url }) => url))
      setText((now) => withoutLinks(now, gone))
      setStartedCount(gone.size)
      setRefusals(refused)
    },
  })
  const isBlocked = bucket === undefined || Object.keys(problems).length > 0
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (isBlocked || items.length === 0 || starting.isPending) return
    setRefusals(new Map())
    setStartedCount(0)
    starting.mutate(items)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) {
      event.preventDefault()
      formRef.current?.requestSubmit()
    }
  }
  const setKey = (url: string, key: string) => setEditedKeys((before) => new Map(before).set(url, key))

  return (
    <form className="grid grid-cols-[minmax(0,1fr)] gap-5" onKeyDown={onKeyDown} onSubmit={submit} ref={formRef}>
      {start.remark && <Callout>{start.remark}</Callout>}
      <SourceField
        beyond={parsed.beyond}
        onChange={setText}
        repeated={parsed.repeated}
        sampleUrl={sampleUrl}
        value={text}
      />
      <TargetFields
        bucketProblem={tried && buckets.data && !bucket ? 'Choose a bucket.' : null}
        buckets={buckets.data}
        failure={buckets.error ? failureOf(buckets.error).message : null}
        onChange={setTarget}
        target={{ ...target, bucketId: bucket?.id ?? '' }}
      />
      {startedCount > 0 && (
        <Callout tone="success">
          {startedCount === 1 ? '1 transfer was started' : `${startedCount} transfers were started`}; what is left below
          was not.{' '}
          <Link className="text-link underline" href="/transfers">
            See the list
          </Link>
        </Callout>
      )}
      {rows.length > 0 && (
        <section aria-label="Links">
          <div className="grid gap-x-6 border-b pb-1.5 text-dim text-xs lg:grid-cols-[minmax(0,1fr)_minmax(0,24rem)]">
            <span>Found at the source</span>
            <span className="hidden lg:inline">Key in {bucket?.name ?? 'the bucket'}</span>
          </div>
          <ul>
            {rows.map((row) => (
              <SourceRow
                key={row.url}
                onKey={(key) => setKey(row.url, key)}
                onRetry={() => inspections.retry(row.url)}
                partSizeBytes={optionsInput.partSizeBytes ?? null}
                worksOnce={options.oneTimeLink}
                row={row}
              />
            ))}
          </ul>
        </section>
      )}
      <OptionsPanel onChange={setOptions} options={options} problems={problems} single={single || rows.length === 0} />
      <StartBar items={items} isBlocked={isBlocked} isStarting={starting.isPending} rows={rows} />
    </form>
  )
}

/** The one item of a list that has no other. */
const only = <Item,>(items: readonly Item[] | undefined) => (items?.length === 1 ? items[0] : undefined)
