import { readFileSync } from 'node:fs'
import { ArgumentError, parseWords, readCount, readSize } from '../runner/command-words.ts'

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
  const options = {
    file: { type: 'string', multiple: true },
    bucket: { type: 'string' },
    runs: { type: 'string' },
    lanes: { type: 'string' },
    'part-size': { type: 'string' },
    json: { type: 'string' },
    url: { type: 'string' },
    clean: { type: 'boolean' },
  } as const
  const { values, positionals } = parseWords(words, options, USAGE)
  const urls = [...positionals, ...(values.file ?? []).flatMap((path) => urlsOf(path, readList))]
  if (urls.length === 0) throw new ArgumentError(`Name at least one file by its URL.\n${USAGE}`)
  return {
    urls,
    bucketName: values.bucket ?? 'sluice',
    runs: readCount('--runs', values.runs, MAX_RUNS) ?? 1,
    lanes: readCount('--lanes', values.lanes, MAX_LANES),
    partSizeBytes: readSize('--part-size', values['part-size'], 1, 'a size, such as 64MiB'),
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
