import type { LoggerOptions } from 'pino'

/** How long the same warning is counted instead of written. */
const QUIET_MS = 30_000
/** So many kinds of warnings are remembered; there are a dozen of them. */
const MOST_KINDS = 100

interface Kind {
  writtenAtMs: number
  repeats: number
}

/**
 * A hook of pino: a warning with nothing but an error, as loops give it that try again every second while the database is away, is
 * written once in half a minute; the next one says how often it came in between (`repeats`). Another sentence, another error and
 * whatever is about one transfer are always written.
 */
export function quietRepeats(now: () => number = () => performance.now()): NonNullable<LoggerOptions['hooks']> {
  const kinds = new Map<string, Kind>()
  return {
    logMethod(args, method, level) {
      const kind = level === 40 ? kindOf(args) : null
      if (kind === null) return method.apply(this, args)
      const [fields, ...rest] = args as unknown as [object, string]
      const known = kinds.get(kind)
      if (known && now() - known.writtenAtMs < QUIET_MS) {
        known.repeats++
        return
      }
      if (kinds.size >= MOST_KINDS) kinds.clear()
      kinds.set(kind, { writtenAtMs: now(), repeats: 0 })
      const counted = known && known.repeats > 0 ? { ...fields, repeats: known.repeats } : fields
      method.apply(this, [counted, ...rest] as unknown as Parameters<typeof method>)
    },
  }
}

/** What makes two warnings the same; null where it is about more than an error. */
function kindOf([fields, message]: readonly unknown[]): string | null {
  if (typeof fields !== 'object' || fields === null || typeof message !== 'string') return null
  const { err, ...others } = fields as { err?: unknown }
  if (!(err instanceof Error) || Object.keys(others).length > 0) return null
  return `${message}\n${err.message}`
}
