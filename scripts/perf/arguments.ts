import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parseBytes } from '../../src/server/domain/bytes.ts'

/** What `npm run perf` was asked for. */
export interface PerfArguments {
  readonly urls: readonly string[]
  readonly bucketName: string
  readonly runs: number
  /** Null: as the engine has it set. */
  readonly lanes: number | null
  readonly partSizeBytes: number | null
  readonly jsonFile: string | null
  /** Where Sluice is; null: where this machine's settings say. */
  readonly webUrl: string | null
  readonly clean: boolean
}

/** An option that cannot be used. Its message is a sentence, shown without a stack. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

const USAGE = `npm run perf -- URL ... [--file LIST] [--bucket sluice] [--runs 1] [--lanes 10] [--part-size 64MiB]
                [--json FILE] [--url http://localhost:3000] [--clean]`
const MAX_RUNS = 50
const MAX_LANES = 20

/**
 * Reads the words behind `npm run perf --`. A list has one URL a line; empty lines and lines with `#` in front are skipped.
 * Throws ArgumentError with a sentence.
 */
export function parsePerfArguments(
  words: readonly string[],
  readList: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): PerfArguments {
  const { values, positionals } = parse(words)
  const urls = [...positionals, ...(values.file ?? []).flatMap((path) => urlsOf(path, readList))]
  if (urls.length === 0) throw new ArgumentError(`Name at least one file by its URL.\n${USAGE}`)
  const partSizeBytes = values['part-size'] === undefined ? null : parseBytes(values['part-size'])
  if (values['part-size'] !== undefined && !partSizeBytes)
    throw new ArgumentError('--part-size is a size, such as 64MiB.')
  return {
    urls,
    bucketName: values.bucket ?? 'sluice',
    runs: readCount('--runs', values.runs, MAX_RUNS) ?? 1,
    lanes: readCount('--lanes', values.lanes, MAX_LANES),
    partSizeBytes,
    jsonFile: values.json ?? null,
    webUrl: values.url?.replace(/\/$/, '') ?? null,
    clean: values.clean ?? false,
  }
}

function urlsOf(path: string, readList: (path: string) => string): string[] {
  let text: string
  try {
    text = readList(path)
  } catch {
    throw new ArgumentError(`The list ${path} cannot be read. --file takes a text file with one URL a line.`)
  }
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

function readCount(option: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= max) return count
  throw new ArgumentError(`${option} is a whole number from 1 to ${max}.`)
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        file: { type: 'string', multiple: true },
        bucket: { type: 'string' },
        runs: { type: 'string' },
        lanes: { type: 'string' },
        'part-size': { type: 'string' },
        json: { type: 'string' },
        url: { type: 'string' },
        clean: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new ArgumentError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
  }
}
