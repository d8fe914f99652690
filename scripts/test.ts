import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Counts, countsLine, emptyCounts } from './runner/counts.ts'
import { installPrograms } from './runner/install-programs.ts'
import { ROOT, runProgram } from './runner/run-program.ts'
import {
  BOUNDARIES,
  BROWSER,
  BUILD,
  FORMAT_AND_LINT,
  INTEGRATION,
  printStep,
  runStep,
  type StepResult,
  TYPES,
  UNIT,
} from './runner/steps.ts'

// `npm test`: everything that is checked. Each runner's tests are counted, every skip is named with its reason, and the
// last line sums up. It ends by itself: a runner that hangs is killed, and all of it has 28 minutes.

const DEADLINE_MS = 28 * 60_000

const total = emptyCounts()
const missing = await installPrograms((sentence) => console.log(sentence))
if (missing.length > 0)
  console.log(`Not here and not to be installed by this user: ${missing.join(', ')}. Tests that need them are skipped.`)

// Ceph's packages are half a gigabyte: they come while the quick steps run. Its tests say what kept them away.
const ceph = process.platform === 'linux' ? fetchCeph() : null

for (const step of [FORMAT_AND_LINT, TYPES, BOUNDARIES, UNIT, BUILD, INTEGRATION, BROWSER]) {
  if (step === INTEGRATION) await ceph
  const leftMs = DEADLINE_MS - performance.now()
  const done = await runStep(step, Math.max(1_000, Math.min(step.limitMs, leftMs)))
  printStep(done)
  add(total, done)
}

if (total.skipped.length > 0) console.log('')
for (const { name, reason } of total.skipped) console.log(`skipped: ${name} (${reason})`)
console.log(`\n${(performance.now() / 1000).toFixed(0)} s`)
console.log(countsLine(total))
process.exitCode = total.failed === 0 ? 0 : 1

function fetchCeph() {
  const dir = process.env.SLUICE_CEPH_DIR ?? join(ROOT, '.cache', 'ceph')
  if (existsSync(join(dir, 'ready'))) return null
  return runProgram(join(ROOT, 'scripts', 'ceph', 'get.sh'), [dir], { limitMs: 240_000 })
}

function add(sum: Counts, { counts }: StepResult): void {
  sum.passed += counts.passed
  sum.failed += counts.failed
  sum.skipped.push(...counts.skipped)
}
