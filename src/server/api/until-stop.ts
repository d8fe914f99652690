import type { Services } from './context.ts'

/** Aborts when the caller goes away or the process is asked to stop, whichever comes first. */
export function untilStop(services: Pick<Services, 'stopping'>, signal: AbortSignal | undefined): AbortSignal {
  return signal ? AbortSignal.any([signal, services.stopping]) : services.stopping
}
