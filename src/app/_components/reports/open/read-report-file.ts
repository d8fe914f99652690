import { ZodError } from 'zod'
import { formatBytes, MIB } from '../../../../server/domain/bytes.ts'
import type { ReportView } from '../../../../server/domain/report.ts'
import type { TableReport } from '../../../../server/domain/table-report.ts'
import { isBenchFile, readBenchFile } from './bench-format.ts'
import { isPerfFile, readPerfFile } from './perf-format.ts'
import { isTableFile, readTableFile } from './table-format.ts'
import { isTransferFile, readTransferFile } from './transfer-format.ts'

/** A file as the page shows it. */
export type OpenedReport = { shape: 'transfer'; view: ReportView } | { shape: 'tables'; report: TableReport }

/**
 * The kinds of file that are known, by what they are to people. To add one: a function that recognises it, and one that turns it into
 * a TableReport (domain/table-report.ts) and throws a ZodError where it is damaged. A script that writes a TableReport itself needs
 * neither.
 */
const FORMATS: readonly {
  name: string
  recognises: (json: object) => boolean
  read: (json: object) => OpenedReport
}[] = [
  {
    name: 'an exported report of a transfer',
    recognises: isTransferFile,
    read: (json) => ({ shape: 'transfer', view: readTransferFile(json) }),
  },
  {
    name: 'a result of npm run perf',
    recognises: isPerfFile,
    read: (json) => ({ shape: 'tables', report: readPerfFile(json) }),
  },
  {
    name: 'a result of npm run bench',
    recognises: isBenchFile,
    read: (json) => ({ shape: 'tables', report: readBenchFile(json) }),
  },
  {
    name: 'a report in words and tables that a script of Sluice wrote',
    recognises: isTableFile,
    read: (json) => ({ shape: 'tables', report: readTableFile(json) }),
  },
]

const KNOWN_FORMATS = FORMATS.map(({ name }) => name)

/** A report of 10,000 parts has 3 MiB. */
export const MOST_FILE_BYTES = 64 * MIB

export type FileResult = { ok: true; opened: OpenedReport } | { ok: false; message: string }

/** Reads a file that somebody chose. What cannot be shown comes back as a sentence; it never throws. */
export function readReportFile(text: string): FileResult {
  if (text.length > MOST_FILE_BYTES)
    return refuse(`The file is larger than ${formatBytes(MOST_FILE_BYTES)}, which no report is.`)
  if (text.trim() === '') return refuse('The file is empty.')
  let json: unknown
  try {
    // Excel and some editors put a byte order mark first.
    json = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return refuse(
      text.startsWith('at,stepMs,')
        ? 'This is the CSV of a report, which has the samples alone. Open its JSON instead.'
        : 'The file is not JSON, or it was cut off. Export it again, and choose JSON.',
    )
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return refuse(UNKNOWN)
  const given: object = json
  const format = FORMATS.find(({ recognises }) => recognises(given))
  if (!format) return refuse(UNKNOWN)
  try {
    return { ok: true, opened: format.read(given) }
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    const [issue] = error.issues
    const path = issue?.path.map(String).join('.') ?? ''
    return refuse(
      `This looks like ${format.name}, but something in it is missing or wrong${path ? `, first of all “${path}”` : ''}. It may be damaged, or of another version of Sluice.`,
    )
  }
}

const UNKNOWN = `This JSON is no report that is known here. These can be opened: ${KNOWN_FORMATS.join(', ')}.`
const refuse = (message: string): FileResult => ({ ok: false, message })
