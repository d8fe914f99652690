'use client'

import type { BucketView } from '../../../server/domain/bucket.ts'
import type { TransferView } from '../../../server/domain/transfer.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { fetchCommand, s3Path } from './fetch-command.ts'
import { completedSentence, isSkipped } from './transfer-summary.ts'
import { verdictWords } from './verification-words.ts'

/** What a finished transfer leads with: the result in a sentence, and how to get at the object. */
export function CompletedPanel({ transfer, bucket }: { transfer: TransferView; bucket: BucketView | undefined }) {
  const place = bucket && {
    bucket: bucket.bucket,
    key: transfer.key,
    endpoint: bucket.endpoint,
    region: bucket.region,
  }
  return (
    <section aria-label="Result" className="grid gap-2">
      <p className="text-base">
        {completedSentence(transfer)}
        {transfer.verification && (
          <span className="text-muted-foreground">
            {' '}
            {verdictWords(transfer.verification, isSkipped(transfer)).title}.
          </span>
        )}
      </p>
      {place && (
        <div className="grid gap-x-4 gap-y-1 sm:grid-cols-[auto_1fr]">
          <Line label="Object" text={s3Path(place)} />
          <Line label="Fetch it" text={fetchCommand(place)} />
        </div>
      )}
    </section>
  )
}

function Line({ label, text }: { label: string; text: string }) {
  return (
    <>
      <span className="pt-1 text-muted-foreground">{label}</span>
      <span className="flex min-w-0 items-start gap-1 rounded-sm bg-muted py-0.5 pr-0.5 pl-2">
        <code className="num min-w-0 flex-1 break-all py-0.5 text-xs leading-5">{text}</code>
        <CopyButton label={`Copy: ${label}`} text={text} />
      </span>
    </>
  )
}
