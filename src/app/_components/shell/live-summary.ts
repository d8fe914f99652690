import { formatRate } from '../../../server/domain/bytes.ts'
import type { SystemHealth } from '../../../server/domain/engine.ts'
import type { Failure } from '../../../server/domain/failure.ts'

export interface LiveSummary {
  tone: 'ok' | 'warn' | 'down' | 'unknown'
  /** The parts of `3 running · 1.2 GiB/s · all engines healthy`; phones show the first alone. */
  parts: string[]
  /** The whole sentence, for the title. */
  detail: string
}

/** What the live pill says. `health` is undefined until the first answer; `failure` is that of the last question. */
export function liveSummary(health: SystemHealth | undefined, failure: Pick<Failure, 'code'> | null): LiveSummary {
  if (failure?.code === 'database_unavailable')
    return {
      tone: 'down',
      parts: ['Database away'],
      detail: 'The database does not answer. Pages keep what they showed, and go on by themselves when it is back.',
    }
  if (failure)
    return {
      tone: 'down',
      parts: ['Sluice does not answer'],
      detail: 'The dashboard cannot reach its server. It tries again by itself.',
    }
  if (!health) return { tone: 'unknown', parts: ['Connecting'], detail: 'Asking the server how things are.' }
  if (health.state === 'down') {
    const waiting = health.running + health.queued
    return {
      tone: 'down',
      parts: ['No engine runs', ...(waiting > 0 ? [`${waiting.toLocaleString('en-US')} waiting`] : [])],
      detail: health.message,
    }
  }
  const parts: string[] = []
  if (health.running > 0)
    parts.push(`${health.running.toLocaleString('en-US')} running`, formatRate(health.bytesPerSecond))
  else if (health.queued > 0) parts.push(`${health.queued.toLocaleString('en-US')} queued`)
  else parts.push('Idle')
  parts.push(
    health.state === 'degraded'
      ? `${health.enginesHealthy} of ${health.enginesTotal} engines healthy`
      : health.enginesTotal === 1
        ? 'engine healthy'
        : 'all engines healthy',
  )
  return { tone: health.state === 'degraded' ? 'warn' : 'ok', parts, detail: health.message }
}
