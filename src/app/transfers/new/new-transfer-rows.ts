import type { BucketView } from '../../../server/domain/bucket.ts'
import { fileNameFromUrl } from '../../../server/domain/file-name.ts'
import { keyProblem } from '../../../server/domain/transfer-input.ts'
import { composeKey, sharedKeys } from './compose-key.ts'
import type { InspectionState } from './inspection-queue.ts'
import type { SourceLine } from './source-lines.ts'

/** One link with everything the form knows about it. */
export interface NewTransferRow {
  url: string
  line: number
  name: string
  key: string
  inspection: InspectionState
  /** What is wrong with the link as typed; the row cannot be started. */
  urlProblem: string | null
  /** What is wrong with the key; the row cannot be started. */
  keyProblem: string | null
  /** What the API said when the row was to be started. */
  refusal: string | null
}

/** The rows of the form: keys as edited by hand, else from prefix, folder and the best name that is known. */
export function newTransferRows(known: {
  lines: readonly SourceLine[]
  inspections: ReadonlyMap<string, InspectionState>
  bucket: BucketView | undefined
  folder: string
  editedKeys: ReadonlyMap<string, string>
  refusals: ReadonlyMap<string, string>
}): NewTransferRow[] {
  const rows = known.lines.map(({ url, line, problem }) => {
    const inspection = known.inspections.get(url) ?? ({ state: 'waiting' } as const)
    const name = inspection.state === 'found' ? inspection.answer.name : fileNameFromUrl(url)
    const key = known.editedKeys.get(url) ?? composeKey(known.bucket?.prefix ?? '', known.folder, name)
    return { url, line, name, key, inspection, urlProblem: problem }
  })
  const shared = sharedKeys(rows.filter((row) => row.urlProblem === null).map((row) => row.key))
  return rows.map((row) => ({
    ...row,
    keyProblem:
      row.urlProblem !== null
        ? null
        : (keyProblem(row.key) ??
          (shared.has(row.key) ? 'Another line has the same key; one would overwrite the other. Change one.' : null)),
    refusal: known.refusals.get(row.url) ?? null,
  }))
}

/**
 * Whether a row can be handed to the API. A link of which the source said no for good would only fail again; unless it is to be read
 * at a later time, when its file may be there.
 */
export function canStart(row: NewTransferRow, { later }: { later: boolean }): boolean {
  const isHopeless = row.inspection.state === 'failed' && row.inspection.failure.retry === 'never' && !later
  return row.urlProblem === null && row.keyProblem === null && !isHopeless
}
