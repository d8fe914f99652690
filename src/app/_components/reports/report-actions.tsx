'use client'

import { useQueryClient } from '@tanstack/react-query'
import { Download, GitCompareArrows, Printer } from 'lucide-react'
import Link from 'next/link'
import { toast } from 'sonner'
import { useTRPC } from '../../_trpc/client.tsx'
import { failureOf } from '../../_trpc/failure-of.ts'
import { Button } from '../ui/button.tsx'
import { saveFile } from './save-file.ts'

/** What can be done with a report: take it along as JSON or CSV, print it, hold it against another run. */
export function ReportActions({ transferId }: { transferId: string }) {
  const trpc = useTRPC()
  const queryClient = useQueryClient()
  const save = async (format: 'json' | 'csv') => {
    try {
      // Asked for anew each time: a running transfer has moved on since.
      const options = trpc.reports.export.queryOptions({ transferId, format }, { staleTime: 0, gcTime: 0 })
      saveFile(await queryClient.fetchQuery(options))
    } catch (error) {
      toast.error(failureOf(error).message)
    }
  }
  return (
    <>
      <Button asChild variant="outline">
        <Link href={`/reports?with=${transferId}`}>
          <GitCompareArrows aria-hidden /> Compare
        </Link>
      </Button>
      <Button aria-label="Export as JSON" onClick={() => save('json')} variant="outline">
        <Download aria-hidden /> JSON
      </Button>
      <Button aria-label="Export as CSV" onClick={() => save('csv')} variant="outline">
        <Download aria-hidden /> CSV
      </Button>
      <PrintButton />
    </>
  )
}

export function PrintButton() {
  return (
    <Button className="max-sm:hidden" onClick={() => window.print()} variant="outline">
      <Printer aria-hidden /> Print
    </Button>
  )
}
