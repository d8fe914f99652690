import { describe, expect, test } from 'vitest'
import { atOnce, measureScript, parseTimes, shellWord } from './measure-script.ts'
import { cpuSeconds, parseCpuSeconds, peakRssBytes } from './process-figures.ts'

/** CPU and memory come from /proc. */
const isElsewhere = process.platform !== 'linux'
const node = shellWord(process.execPath)
const run = (script: string, limitMs = 20_000) => measureScript(script, { env: { GREETING: 'hello' }, limitMs })

describe('a script is measured', () => {
  test.skipIf(isElsewhere)('with the CPU of every program it starts, also in pipes and at once', async () => {
    const busy = `${node} -e 'const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);'`
    const { cpuSeconds, wallSeconds, peakRssBytes } = await run(atOnce([`${busy} | cat`, busy]))
    expect(cpuSeconds).toBeGreaterThan(0.6)
    expect(wallSeconds).toBeGreaterThan(0.3)
    expect(peakRssBytes).toBeGreaterThan(20 * 1024 ** 2)
  })

  test('with the environment it was given', async () => {
    await expect(run('test "$GREETING" = hello')).resolves.toBeDefined()
  })
})

describe('a script that fails is no result', () => {
  test.each([
    ['its last words are the reason', 'echo the disk is full >&2; exit 7', 'ended with 7: the disk is full'],
    ['the head of a pipe counts', 'false | cat', 'ended with 1'],
    ['one of several counts', atOnce(['true', 'exit 3', 'true']), 'ended with 1'],
  ])('%s', async (_name, script, reason) => {
    await expect(run(script)).rejects.toThrow(reason)
  })

  test('what hangs is killed with all it started', async () => {
    await expect(run('sleep 60 | sleep 60', 200)).rejects.toThrow('was not through after')
  })
})

test('times of the shell are read from its second line', () => {
  expect(parseTimes('0m0.001s 0m0.002s\n1m2.500s 0m0.250s\n')).toBeCloseTo(62.75)
  expect(parseTimes('')).toBe(0)
})

test('a word for a shell stays one word', async () => {
  await expect(run(`test ${shellWord("it's $HOME; `x`")} = "it's \\$HOME; \\\`x\\\`"`)).resolves.toBeDefined()
})

test('CPU time is found behind a name with blanks and brackets', () => {
  const stat = `7 (a (b) c) S ${Array.from({ length: 40 }, (_, index) => index).join(' ')}`
  expect(parseCpuSeconds(stat)).toBeCloseTo(0.21)
})

test.skipIf(isElsewhere)('our own process has figures, and one that is gone has none', () => {
  expect(cpuSeconds(process.pid)).toBeGreaterThan(0)
  expect(peakRssBytes(process.pid)).toBeGreaterThan(1024 ** 2)
  expect(cpuSeconds(2 ** 22 + 1)).toBeNull()
})
