import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

// Each behaviour that systems before us learned the hard way has a number, and a test whose title says `correctness N`: 1 to 42 and 54
// are of transfers, 43 to 53 of the slice cache. `grep -rn "correctness 14"` finds the tests of one.

const ROOT = join(import.meta.dirname, '..')
const NUMBERS = Array.from({ length: 54 }, (_, index) => index + 1)
const TITLE = /(?:test|it|describe)(?:\.each\((?:[^()]|\([^()]*\))*\))?\(\s*['"`]([^'"`]*correctness [^'"`]*)/g

it('every numbered behaviour of sources, buckets and the cache is named by a test', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'src', 'e2e'], {
    cwd: ROOT,
  })
    .toString()
    .split('\n')
    .filter((path) => /\.(test|spec)\.ts$/.test(path))
  const named = new Set<number>()
  for (const path of files)
    for (const [, title = ''] of readFileSync(join(ROOT, path), 'utf8').matchAll(TITLE))
      for (const [, list = ''] of title.matchAll(/correctness ((?:\d+(?:, | and )?)+)/g))
        for (const number of list.match(/\d+/g) ?? []) named.add(Number(number))
  expect(NUMBERS.filter((number) => !named.has(number))).toEqual([])
})
