/**
 * A report as words, bars and tables: what every file that is no transfer is turned into, so that a new kind of file needs a
 * function and no page.
 */
export interface TableReport {
  kind: string
  title: string
  /** The first is the result. */
  sentences: string[]
  facts: { name: string; value: string }[]
  sections: TableSection[]
}

export interface TableSection {
  title: string
  sentences: string[]
  /** Values side by side; `share` is the length of the bar, 0 to 1. `isOurs` is the one that is compared with. */
  bars: { label: string; share: number; text: string; isOurs: boolean }[]
  /** Bytes per second over seconds, where the file has curves. */
  curves: { label: string; points: [seconds: number, bytesPerSecond: number][] }[]
  columns: { title: string; isText?: boolean }[]
  rows: string[][]
  notes: string[]
}

export const EMPTY_SECTION: Omit<TableSection, 'title'> = {
  sentences: [],
  bars: [],
  curves: [],
  columns: [],
  rows: [],
  notes: [],
}
