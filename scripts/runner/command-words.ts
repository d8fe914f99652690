import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { parseBytes } from '../../src/server/domain/bytes.ts'

/** Words behind a command that cannot be used. Its message is a sentence that says what to write, shown without a stack. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** Reads options and names. What it does not know is an ArgumentError, with `usage` behind the reason. */
export function parseWords<Options extends ParseArgsOptionsConfig>(
  words: readonly string[],
  options: Options,
  usage: string,
) {
  try {
    return parseArgs({ args: [...words], allowPositionals: true, options })
  } catch (error) {
    throw new ArgumentError(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}

/** A whole number from 1 to `max`; null where the option was not given. */
export function readCount(option: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= max) return count
  throw new ArgumentError(`${option} is a whole number from 1 to ${max}.`)
}

/** A size of at least `minBytes`, such as 64MiB; null where the option was not given. `meaning` ends the sentence "--size is …". */
export function readSize(option: string, text: string | undefined, minBytes: number, meaning: string): number | null {
  if (text === undefined) return null
  const bytes = parseBytes(text)
  if (bytes !== null && bytes >= minBytes) return bytes
  throw new ArgumentError(`${option} is ${meaning}.`)
}

/** Every name must be one of `known`; `kind` is what they are called. */
export function refuseUnknown(kind: string, names: readonly string[], known: readonly string[]): void {
  for (const name of names)
    if (!known.includes(name)) throw new ArgumentError(`There is no ${kind} "${name}". There are: ${known.join(', ')}.`)
}
