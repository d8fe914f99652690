'use client'

import { CircleAlert, FileCheck2, LoaderCircle, RotateCcw, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { formatBytes } from '../../../server/domain/bytes.ts'
import type { SourceAnswer } from '../../../server/domain/inspection.ts'
import { Button } from '../../_components/ui/button.tsx'
import { Input } from '../../_components/ui/input.tsx'
import { Bytes } from '../../_components/ui/quantity.tsx'
import type { NewTransferRow } from './new-transfer-rows.ts'
import { unknownSizeRoom } from './unknown-size-room.ts'

const NO_RANGES = 'No ranges: it is read as one stream, which is slower and starts over if the connection breaks.'

interface SourceRowProps {
  row: NewTransferRow
  /** Of the person's own choice; null where Sluice chooses. */
  partSizeBytes: number | null
  /** Then it is not looked at. */
  worksOnce: boolean
  onKey: (key: string) => void
  onRetry: () => void
}

/** One link grown into what was found at it, and the key it will have. */
export function SourceRow({ row, partSizeBytes, worksOnce, onKey, onRetry }: SourceRowProps) {
  const { inspection } = row
  const answer = inspection.state === 'found' ? inspection.answer : null
  const problem = row.urlProblem ?? row.refusal ?? (inspection.state === 'failed' ? inspection.failure.message : null)
  return (
    <li className="grid gap-x-6 gap-y-1 border-b py-2.5 lg:grid-cols-[minmax(0,1fr)_minmax(0,24rem)]">
      <div className="grid min-w-0 grid-cols-[1rem_minmax(0,1fr)] gap-x-2.5">
        <RowShape failed={problem !== null} state={inspection.state} warned={(answer?.warnings.length ?? 0) > 0} />
        <div className="flex min-w-0 flex-wrap items-baseline gap-x-3">
          <span className="min-w-0 truncate font-medium">{row.urlProblem ? `Line ${row.line}` : row.name}</span>
          {answer && <Found answer={answer} />}
          {inspection.state === 'asking' && <span className="text-muted-foreground text-xs">looking …</span>}
          {worksOnce && row.urlProblem === null && (
            <span className="text-muted-foreground text-xs">not looked at, because it works once</span>
          )}
        </div>
        <p className="num col-start-2 truncate text-dim text-xs" title={row.url}>
          {row.url}
        </p>
        {problem && (
          <Remark tone="destructive">
            {problem}
            {row.urlProblem === null && row.refusal === null && (
              <Button
                className="ml-2 h-auto items-baseline px-0 align-baseline [&_svg]:self-center"
                onClick={onRetry}
                size="sm"
                variant="link"
              >
                <RotateCcw aria-hidden /> Look again
              </Button>
            )}
          </Remark>
        )}
        {answer?.warnings.map((warning) => (
          <Remark key={warning.code} tone="warning">
            {warning.message}
          </Remark>
        ))}
        {answer && answer.sizeBytes === null && <Remark tone="muted">{unknownSizeRoom(partSizeBytes)}</Remark>}
        {answer && !answer.acceptsRanges && !warned(answer, 'no_ranges') && <Remark tone="muted">{NO_RANGES}</Remark>}
      </div>
      {row.urlProblem === null && (
        <div className="min-w-0 pl-[1.625rem] lg:pl-0">
          <Input
            aria-invalid={row.keyProblem ? true : undefined}
            aria-label={`Key for ${row.name}`}
            className="num text-xs"
            onChange={(event) => onKey(event.target.value)}
            spellCheck={false}
            value={row.key}
          />
          {row.keyProblem && (
            <p className="mt-1 text-destructive text-xs" role="alert">
              {row.keyProblem}
            </p>
          )}
        </div>
      )}
    </li>
  )
}

function Found({ answer }: { answer: SourceAnswer }) {
  return (
    <span className="flex flex-wrap items-baseline gap-x-3 text-muted-foreground text-xs">
      {answer.sizeBytes === null ? (
        <span>size unknown</span>
      ) : (
        <Bytes bytes={answer.sizeBytes} className="text-foreground" />
      )}
      <span>{answer.acceptsRanges ? 'ranges' : 'no ranges'}</span>
      {answer.contentType && <span>{answer.contentType.split(';')[0]}</span>}
      {answer.sizeBytes !== null && answer.sizeBytes > 0 && (
        <span className="sr-only">{formatBytes(answer.sizeBytes)}</span>
      )}
    </span>
  )
}

function RowShape({ state, failed, warned }: { state: string; failed: boolean; warned: boolean }) {
  const looks = 'mt-0.5 size-4 row-span-2'
  if (failed) return <CircleAlert aria-hidden className={`${looks} text-destructive`} />
  if (state === 'asking') return <LoaderCircle aria-hidden className={`${looks} animate-spin text-dim`} />
  if (state !== 'found') return <span className={looks} />
  if (warned) return <TriangleAlert aria-hidden className={`${looks} text-warning`} />
  return <FileCheck2 aria-hidden className={`${looks} text-success`} />
}

function Remark({ tone, children }: { tone: 'destructive' | 'warning' | 'muted'; children: ReactNode }) {
  const colour = { destructive: 'text-destructive', warning: 'text-warning', muted: 'text-muted-foreground' }[tone]
  return (
    <p className={`col-start-2 mt-0.5 text-xs ${colour}`} role={tone === 'destructive' ? 'alert' : undefined}>
      {children}
    </p>
  )
}

/** Whether the engine's own remarks already say it. */
const warned = (answer: SourceAnswer, code: string) => answer.warnings.some((warning) => warning.code === code)
