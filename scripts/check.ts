import { BOUNDARIES, FORMAT_AND_LINT, printStep, runStep, TYPES, UNIT } from './runner/steps.ts'

// `npm run check`: what is quick to know, in under a minute. All steps run, so that one look shows everything.

const startedAt = performance.now()
const failed: string[] = []
for (const step of [FORMAT_AND_LINT, TYPES, BOUNDARIES, UNIT]) {
  const done = await runStep(step)
  printStep(done)
  if (!done.ok) failed.push(step.name)
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
console.log(failed.length === 0 ? `\nAll is well (${seconds} s).` : `\nNot well: ${failed.join(', ')} (${seconds} s).`)
process.exitCode = failed.length === 0 ? 0 : 1
