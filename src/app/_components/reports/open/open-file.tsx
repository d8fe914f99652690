'use client'

import { type ChangeEvent, type DragEvent, type ReactNode, useRef, useState } from 'react'
import { Callout } from '../../ui/callout.tsx'
import { MOST_FILE_BYTES, type OpenedReport, readReportFile } from './read-report-file.ts'

/** A file that is open, by its name. */
export interface OpenedFile {
  fileName: string
  report: OpenedReport
}

/** Files are read in the browser and go nowhere. */
export function useOpenFile() {
  const input = useRef<HTMLInputElement>(null)
  const [opened, setOpened] = useState<OpenedFile | null>(null)
  const [problem, setProblem] = useState<{ fileName: string; message: string } | null>(null)
  const open = async (file: File | undefined) => {
    if (!file) return
    const text = file.size > MOST_FILE_BYTES ? 'x'.repeat(MOST_FILE_BYTES + 1) : await file.text().catch(() => '')
    const result = readReportFile(text)
    setProblem(result.ok ? null : { fileName: file.name, message: result.message })
    setOpened(result.ok ? { fileName: file.name, report: result.opened } : null)
    if (result.ok) window.scrollTo(0, 0)
  }
  return {
    input,
    opened,
    problem,
    open,
    choose: () => input.current?.click(),
    close: () => setOpened(null),
    forget: () => setProblem(null),
  }
}

/** What is around a page that opens files: the hidden input, a place to drop a file, and what was wrong with the last one. */
export function OpenFile({ files, children }: { files: ReturnType<typeof useOpenFile>; children: ReactNode }) {
  const [over, setOver] = useState(false)
  const onChange = (event: ChangeEvent<HTMLInputElement>) => {
    void files.open(event.target.files?.[0])
    // The same file may be chosen again after it was mended.
    event.target.value = ''
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void files.open(event.dataTransfer.files[0])
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is a second way; the button is the first.
    <div
      className={over ? 'min-h-[70dvh] outline-2 outline-ring outline-dashed -outline-offset-8' : 'min-h-[70dvh]'}
      onDragLeave={(event) => event.currentTarget === event.target && setOver(false)}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return
        event.preventDefault()
        setOver(true)
      }}
      onDrop={onDrop}
    >
      <input
        accept=".json,application/json"
        aria-label="A report to open"
        className="hidden"
        onChange={onChange}
        ref={files.input}
        type="file"
      />
      {files.problem && (
        <Callout
          className="mx-4 mt-4 md:mx-6"
          title={`${files.problem.fileName} could not be opened`}
          tone="destructive"
        >
          {files.problem.message}
        </Callout>
      )}
      {children}
    </div>
  )
}
