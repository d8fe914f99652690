'use client'

import { X } from 'lucide-react'
import { Button } from '../../ui/button.tsx'
import { PrintButton } from '../report-actions.tsx'
import { ReportArticle } from '../report-article.tsx'
import type { OpenedFile } from './open-file.tsx'
import { TableReportArticle } from './table-report-article.tsx'

/** A file as a report page. It was read in this browser: nothing of it is kept or sent. */
export function OpenedPage({ opened, onClose }: { opened: OpenedFile; onClose: () => void }) {
  const actions = (
    <>
      <PrintButton />
      <Button onClick={onClose} variant="outline">
        <X aria-hidden /> Close
      </Button>
    </>
  )
  const { report, fileName } = opened
  return (
    <>
      <p className="border-b bg-canvas px-4 py-2 text-muted-foreground md:px-6 print:hidden">
        <span className="break-all text-foreground">{fileName}</span>, opened in this browser. Nothing of it was
        uploaded.
      </p>
      {report.shape === 'transfer' ? (
        <ReportArticle actions={actions} view={report.view} />
      ) : (
        <TableReportArticle actions={actions} report={report.report} />
      )}
    </>
  )
}
