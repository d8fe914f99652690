import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Counts } from './counts.ts'
import { type ProgramResult, ROOT, runProgram } from './run-program.ts'

/**
 * One thing that is checked: how it is run, how long it may take, and the line that sums it up. The limit is for what hangs: several times
 * what it takes on a machine that is slow, since all of them together have a limit of their own.
 */
export interface Step {
  name: string
  args: readonly string[]
  limitMs: number
  env?: NodeJS.ProcessEnv
  /** Cuts the telling line from what it wrote. */
  summary: (output: string) => string
  /** For runners of tests: they write Counts; other steps count as one. */
  counts?: boolean
}

const bin = (name: string, ...path: string[]) => join(ROOT, 'node_modules', name, ...path)
const lastLine = (output: string) => withoutColours(output).trim().split('\n').at(-1)?.trim() ?? ''
const vitest = (project: string) => [
  bin('vitest', 'vitest.mjs'),
  'run',
  '--project',
  project,
  '--reporter=dot',
  `--reporter=${join(ROOT, 'scripts', 'runner', 'vitest-counts.ts')}`,
]

const vitestSummary = (output: string) =>
  withoutColours(output)
    .split('\n')
    .filter((line) => /^\s*(Test Files|Tests)\s/.test(line))
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .join(', ')

export const FORMAT_AND_LINT: Step = {
  name: 'format and lint',
  args: [bin('@biomejs/biome', 'bin', 'biome'), 'ci', '--error-on-warnings', '--colors=off'],
  limitMs: 180_000,
  summary: (output) => /Checked \d+ files.*/.exec(output)?.[0] ?? lastLine(output),
}

export const TYPES: Step = {
  name: 'types',
  args: [bin('typescript', 'bin', 'tsc'), '--noEmit'],
  limitMs: 300_000,
  summary: (output) => {
    const errors = output.match(/error TS\d+/g)?.length ?? 0
    return errors === 0 ? 'no errors' : `${errors} errors`
  },
}

export const BOUNDARIES: Step = {
  name: 'boundaries',
  args: [join(ROOT, 'scripts', 'boundaries.ts')],
  limitMs: 120_000,
  summary: lastLine,
}

export const UNIT: Step = {
  name: 'unit tests',
  args: vitest('unit'),
  limitMs: 720_000,
  summary: vitestSummary,
  counts: true,
}

export const INTEGRATION: Step = {
  name: 'integration tests',
  args: vitest('integration'),
  limitMs: 1_500_000,
  summary: vitestSummary,
  counts: true,
}

export const BUILD: Step = {
  name: 'build',
  args: [join(ROOT, 'scripts', 'bootstrap.cjs'), 'build'],
  limitMs: 420_000,
  summary: (output) => lastLine(output) || 'up to date',
}

export const BROWSER: Step = {
  name: 'browser tests',
  args: [
    bin('@playwright/test', 'cli.js'),
    'test',
    `--reporter=line,${join(ROOT, 'scripts', 'runner', 'playwright-counts.ts')}`,
  ],
  limitMs: 720_000,
  summary: (output) =>
    withoutColours(output)
      .split('\n')
      .filter((line) => /^\s*\d+ (passed|failed|skipped|flaky|did not run)/.test(line))
      .map((line) => line.trim())
      .join(', '),
  counts: true,
}

/** What became of a step, with its tests counted; a step that is no runner counts as one. */
export interface StepResult {
  step: Step
  ok: boolean
  counts: Counts
  result: ProgramResult
}

/** Runs a step on this Node. A runner that ends badly without a failed test, or without a report, has one failure. */
export async function runStep(step: Step, limitMs = step.limitMs): Promise<StepResult> {
  const countsPath = join(ROOT, '.cache', 'reports', `${step.name.replaceAll(' ', '-')}.json`)
  mkdirSync(join(ROOT, '.cache', 'reports'), { recursive: true })
  rmSync(countsPath, { force: true })
  const env = {
    ...process.env,
    ...step.env,
    CI: 'true',
    NO_COLOR: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    SLUICE_TEST_COUNTS: countsPath,
  }
  const result = await runProgram(process.execPath, step.args, { limitMs, env })
  const succeeded = result.code === 0
  const counts = (step.counts ? readCounts(countsPath) : null) ?? { passed: 0, failed: 0, skipped: [] }
  if (!step.counts && succeeded) counts.passed = 1
  if (!succeeded && counts.failed === 0) counts.failed = 1
  return { step, ok: succeeded && counts.failed === 0, counts, result }
}

/** Prints a step's line; what a failed step wrote goes above it. */
export function printStep({ step, ok, result }: StepResult): void {
  if (!ok) console.log(`\n${tail(result.output)}\n`)
  const summary = result.timedOut ? 'killed, because its time was up' : step.summary(result.output)
  console.log(`${ok ? '✓' : '✗'} ${step.name.padEnd(18)} ${result.seconds.toFixed(1).padStart(6)} s  ${summary}`)
}

function readCounts(path: string): Counts | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Counts
  } catch {
    return null
  }
}

function tail(output: string): string {
  const lines = output.trimEnd().split('\n')
  return lines.length > 400 ? `(${lines.length - 400} lines before)\n${lines.slice(-400).join('\n')}` : lines.join('\n')
}

function withoutColours(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g'), '')
}
