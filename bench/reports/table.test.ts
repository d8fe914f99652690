import { describe, expect, test } from 'vitest'
import type { Run, ScenarioResult } from './result.ts'
import { summarise } from './summarise.ts'
import { tableOf } from './table.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

function run(peer: string, round: number, wallSeconds: number, figures: Partial<Run> = {}): Run {
  const counted = { sourceRequests: 3, refusedRequests: 0, storeRequests: 5, sourceCpuSeconds: 1, storeCpuSeconds: 1 }
  return { peer, round, bytes: GIB, wallSeconds, cpuSeconds: 2, peakRssBytes: 100 * MIB, ...counted, ...figures }
}

function result(runs: Run[], extra: Partial<ScenarioResult['scenario']> = {}): ScenarioResult {
  const files = { count: 1, sizeBytes: GIB }
  return {
    scenario: { name: 'big', shows: 'One big file.', files, shorter: {}, idealSeconds: null, ...extra },
    store: 'a store',
    startedAt: '2026-11-21T00:00:00.000Z',
    load: { before: 0, after: 1 },
    versions: {},
    runs,
    skipped: {},
  }
}

describe('rows', () => {
  test('are medians of the rounds, Sluice first, the others in the order they ran', () => {
    const runs = [run('curl', 0, 8), run('sluice', 0, 4), run('aws', 0, 12), run('sluice', 1, 2), run('sluice', 2, 3)]
    const rows = summarise(result(runs))
    expect(rows.map(({ peer, rounds, wallSeconds }) => [peer, rounds, wallSeconds])).toEqual([
      ['sluice', 3, 3],
      ['curl', 1, 8],
      ['aws', 1, 12],
    ])
  })

  test('compare time and CPU for a byte, so that whoever did less is not faster for it', () => {
    const short = run('curl', 0, 4, { bytes: GIB / 8, cpuSeconds: 1 })
    const [, curl] = summarise(result([run('sluice', 0, 4), short], { shorter: { curl: GIB / 8 } }))
    expect(curl).toMatchObject({ isShorter: true, timesReference: 8, cpuTimesReference: 4, cpuSecondsPerGib: 8 })
  })

  test('have no ratio where Sluice has no result', () => {
    const [curl] = summarise(result([run('curl', 0, 4)]))
    expect(curl).toMatchObject({ timesReference: null, cpuTimesReference: null })
  })

  test('say nothing of requests that the store did not count', () => {
    const [sluice] = summarise(result([run('sluice', 0, 4, { storeRequests: null })]))
    expect(sluice?.storeRequests).toBeNull()
  })
})

describe('the table', () => {
  const sluice = run('sluice', 0, 4, { idleRssBytes: 60 * MIB, refusedRequests: 1 })
  const text = tableOf({
    ...result([sluice, run('curl', 0, 5)], { idealSeconds: 3.5 }),
    skipped: { aws: 'Not installed.' },
  })
  const lines = text.split('\n')

  test('has a line for each peer, all of one length', () => {
    const table = lines.filter((line) => line.startsWith('|'))
    expect(table).toHaveLength(4)
    expect(new Set(table.map((line) => line.length)).size).toBe(1)
  })

  test('shows wall time, rate, both ratios, memory over idle, and refused requests', () => {
    expect(lines[2]?.split('|').map((cell) => cell.trim())).toEqual([
      '',
      'sluice',
      '1',
      '4.00',
      '0 %',
      '256',
      '1.00',
      '2.00',
      '1.00',
      '100 (idle 60)',
      '3 (1 refused)',
      '5',
      '',
    ])
    expect(lines[3]?.split('|').map((cell) => cell.trim())).toContain('1.25')
  })

  test('names who has no result and why, and the ideal', () => {
    expect(text).toContain('- without a result: aws: Not installed.')
    expect(text).toContain('- ideal, by the limits of the source: 3.5 s')
    expect(text).toContain('- CPU-s of the store: 1.00 (sluice), 1.00 (curl)')
  })

  test('says what was seen inside an engine, by medians', () => {
    const engine = (late: number) => ({
      eventLoopP99Ms: late,
      eventLoopMaxMs: 20 * late,
      databaseStatements: 40,
      databaseStatementsPerSecond: 2,
    })
    const runs = [1, 3, 8].map((late, round) => run('sluice', round, 4, { engine: engine(late) }))
    expect(tableOf(result([...runs, run('curl', 0, 4)]))).toContain(
      '- inside sluice: event loop late by 3.0 ms (p99), 60 ms (worst); 40 database statements, 2 in the median second',
    )
    expect(text).not.toContain('- inside')
  })

  test('counts files where there are many', () => {
    const many = tableOf(result([run('sluice', 0, 4)], { files: { count: 500, sizeBytes: GIB / 500 } }))
    expect(many.split('\n')[0]).toContain('files/s')
    expect(many).toContain('125.0')
    expect(text).not.toContain('files/s')
  })

  test('shows a rate alone where a peer did less', () => {
    const short = tableOf(result([run('curl', 0, 5, { bytes: MIB * 128 })], { shorter: { curl: 128 * MIB } }))
    expect(short).toContain('(rate)')
    expect(short).not.toContain('5.00')
  })
})
