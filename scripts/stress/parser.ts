import { parseWords, readCount } from '../runner/command-words.ts'
import { ROOT, runProgram } from '../runner/run-program.ts'

/** What `npm test` does 2,000 times. */
const CASES = 100_000
const LIMIT_MS = 3_600_000
const USAGE = 'npm run stress -- parser [--cases 100000] [--seed 1]'

/**
 * The fuzz test of the HTTP/1.1 response parser with 100,000 cases (`--cases`), on a seed of its own or the one given (`--seed`).
 * Prints the seed, by which a failure can be seen again. Returns an exit code.
 */
export async function stressParser(words: readonly string[]): Promise<number> {
  const { values } = parseWords(words, { cases: { type: 'string' }, seed: { type: 'string' } } as const, USAGE)
  const cases = readCount('--cases', values.cases, 1e9) ?? CASES
  const seed = readCount('--seed', values.seed, 2 ** 31 - 1) ?? Date.now() % 2 ** 31
  console.log(`${cases.toLocaleString('en')} answers, whole, broken and cut, from seed ${seed}`)
  const { code, output, seconds } = await runProgram(
    process.execPath,
    [
      `${ROOT}/node_modules/vitest/vitest.mjs`,
      'run',
      '--project',
      'unit',
      '--testTimeout',
      String(LIMIT_MS),
      'src/engine/source/http1/response-parser.fuzz.test.ts',
    ],
    {
      limitMs: LIMIT_MS,
      env: { ...process.env, SLUICE_FUZZ_CASES: String(cases), SLUICE_FUZZ_SEED: String(seed) },
    },
  )
  if (code !== 0) console.error(output)
  console.log(
    code === 0
      ? `All read or refused as they should be (${seconds.toFixed(0)} s).`
      : `A case failed. See it again with: npm run stress -- parser --cases ${cases} --seed ${seed}`,
  )
  return code === 0 ? 0 : 1
}
