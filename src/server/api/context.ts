import type { Site } from '../auth/request-guard.ts'
import type { Db } from '../db/client.ts'
import type { Notifications } from '../db/notifications.ts'
import type { Log } from '../log.ts'
import type { Sealer } from '../secrets.ts'

/** What procedures work with; one set for a process. */
export interface Services {
  db: Db
  sealer: Sealer
  notifications: Notifications
  log: Log
  site: Site
  /** SLUICE_ENGINE_PUBLIC_URL: how links to files of published origins begin; null where it is not set. */
  enginePublicUrl: string | null
  adminToken: string | undefined
  version: string
  /** Aborts when the process is asked to stop: what would keep a connection open ends then. */
  stopping: AbortSignal
}

/** One request: its services, and the headers the guard and the sign-in look at. */
export interface ApiContext {
  services: Services
  method: string
  headers: Headers
}
