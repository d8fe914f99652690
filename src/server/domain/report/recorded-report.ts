import type { RunSettings } from '../run-settings.ts'
import type { Sample } from '../sample.ts'
import type { EventView, PartView, TransferView } from '../transfer.ts'

/** What a transfer went by. What the user left open is null; `run` has what the engine made of it, where it was recorded. */
export interface ReportSettings {
  run: RunSettings | null
  partSizing: string | null
  wantedPartSizeBytes: number | null
  wantedUploadLanes: number | null
  ifExists: string | null
  expectedChecksum: string | null
}

/** An engine by the name it has or had. */
export interface EngineName {
  id: string
  name: string
}

/** What is recorded of a run; all else in a report follows from it. */
export interface RecordedReport {
  transfer: TransferView
  samples: Sample[]
  stepMs: number
  parts: PartView[]
  events: EventView[]
  settings: ReportSettings
  engines: EngineName[]
}
