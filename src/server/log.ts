import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { quietRepeats } from './quiet-repeats.ts'

export type Log = Logger

/**
 * One line of JSON an event, those that only repeat themselves counted instead (quiet-repeats.ts), to standard output or where `destination` says. `name` says which process speaks. URLs are cut before they come here
 * (domain/redact.ts); the paths below are a second net under that one.
 */
export function createLog(name: 'web' | 'engine' | 'start', level: string, destination?: DestinationStream): Log {
  const options: LoggerOptions = {
    name,
    level,
    base: { name },
    hooks: quietRepeats(),
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'headers.authorization',
        'headers.cookie',
        '*.secretAccessKey',
        '*.accessKeyId',
        '*.authorization',
        '*.cookie',
        'error.$response',
        'error.$metadata',
        'err.$response',
      ],
      censor: '[cut]',
    },
  }
  return pino(options, destination ?? standardOutput())
}

/**
 * Where its reader is gone the process goes on without a log. A reader that died with lines it had not read gives ECONNRESET, for which pino
 * alone ends the process, and its last flush then tries to write for ever.
 */
function standardOutput(): DestinationStream {
  const output = pino.destination({ fd: 1, sync: true })
  output.on('error', () => {
    output.write = () => true
    output.flushSync = () => {}
  })
  return output
}
