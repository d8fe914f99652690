import type { Metadata } from 'next'
import { z } from 'zod'
import { readEnv } from '../../../server/config/env.ts'
import { resolveConnections } from '../../../server/config/runtime.ts'
import { api } from '../../_trpc/server.ts'
import { NewTransferForm, type NewTransferStart } from './new-transfer-form.tsx'

export const metadata: Metadata = { title: 'New transfer' }

interface PageProps {
  searchParams: Promise<{ url?: string | string[]; from?: string | string[] }>
}

/** `?url=` (once or more) fills the field; `?from=ID` begins with a copy of that transfer. */
export default async function Page({ searchParams }: PageProps) {
  const { url, from } = await searchParams
  const id = z.uuid().safeParse(from).data
  const start = (id && (await duplicate(id))) || fromLinks([url ?? []].flat())
  const { sampleFileUrl } = resolveConnections(readEnv())
  return (
    <div className="mx-auto max-w-5xl px-4 py-5 md:px-6">
      <h1 className="mb-4 font-medium text-xl tracking-tight">New transfer</h1>
      <NewTransferForm key={id ?? 'new'} sampleUrl={sampleFileUrl} start={start} />
    </div>
  )
}

function fromLinks(urls: string[]): NewTransferStart {
  return { text: urls.join('\n'), target: {}, options: {}, key: null, remark: null }
}

/** Secrets of a link and header values are sealed and never come back to a page, so what was cut must be typed again. */
async function duplicate(id: string): Promise<NewTransferStart | null> {
  const transfer = await (await api()).transfers.byId({ id }).catch(() => null)
  if (!transfer) return { ...fromLinks([]), remark: 'The transfer to copy is not there any more.' }
  const isCut = transfer.sourceUrl.includes('…')
  return {
    text: isCut ? '' : transfer.sourceUrl,
    target: { bucketId: transfer.bucketId },
    options: {
      bandwidthLimit:
        transfer.bandwidthLimitBytesPerSecond === null ? '' : `${transfer.bandwidthLimitBytesPerSecond / 1024} KiB`,
      priority: transfer.priority,
      trustLengthAndDate: transfer.trustLengthAndDate,
      oneTimeLink: transfer.oneTimeLink,
    },
    key: isCut ? null : transfer.key,
    remark: isCut
      ? `The link of ${transfer.name} carries secrets, which Sluice does not show again. Paste it whole. Of the rest, bucket, limit and priority are copied; set everything else again where it matters.`
      : `A copy of ${transfer.name}: its link, bucket, key, limit and priority. What happens when the key is taken, headers, part size, lanes, checksum and start time are not copied; set them again where they matter.`,
  }
}
