import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MIB } from '../../../../server/domain/bytes.ts'
import { reportFindings } from '../../../../server/domain/report/report-findings.ts'
import { reportOf, transferOf } from '../../../../server/domain/report/testing/recorded-report.ts'
import { readReportFile } from './read-report-file.ts'

const machine = { cpu: 'A cpu', cores: 2, memoryBytes: 8 * 1024 * MIB, kernel: 'linux 6' }
const exported = () => {
  const recorded = reportOf()
  return JSON.stringify({ format: 'sluice-transfer-report', version: 1, ...recorded, ...reportFindings(recorded) })
}
const perf = (over: object = {}) => ({
  kind: 'sluice-perf',
  format: 1,
  startedAt: '2026-11-27T12:00:00.000Z',
  finishedAt: '2026-11-27T12:01:00.000Z',
  machine,
  sluice: { version: '0.1.0', engines: [{ name: 'a', version: '0.1.0' }] },
  settings: { bucketName: 'media', runs: 2, lanes: null, partSizeBytes: null },
  transfers: [1, 2].map((run) => ({
    transferId: `t${run}`,
    name: 'a.iso',
    sourceUrl: 'https://example.org/a.iso',
    key: `a-${run}`,
    run,
    status: 'completed',
    failure: null,
    verdict: 'verified',
    sizeBytes: 100 * MIB,
    partSizeBytes: 8 * MIB,
    partsTotal: 13,
    durationSeconds: run,
    averageBytesPerSecond: (100 * MIB) / run,
    peakBytesPerSecond: 120 * MIB,
    averagePartSeconds: 0.1,
    slowestPartSeconds: 0.2,
    metrics: transferOf().metrics,
    stepMs: 1000,
    samples: [0, 1].map((seconds) => ({
      seconds,
      sourceBytes: 50 * MIB,
      bucketBytes: 50 * MIB,
      bufferedBytes: 0,
      readLanes: 4,
      uploadLanes: 4,
    })),
  })),
  ...over,
})
const benchRun = (peer: string, wallSeconds: number) => ({
  peer,
  round: 1,
  bytes: 1024 * MIB,
  wallSeconds,
  cpuSeconds: 1,
  peakRssBytes: 90 * MIB,
  sourceRequests: 128,
  refusedRequests: 0,
  storeRequests: null,
  sourceCpuSeconds: null,
  storeCpuSeconds: null,
})
const bench = {
  format: 1,
  machine,
  results: [
    {
      scenario: {
        name: 'big-unlimited',
        shows: 'One big file.',
        files: { count: 1, sizeBytes: 1024 * MIB },
        shorter: {},
        idealSeconds: null,
      },
      store: 'Ceph 20',
      startedAt: '2026-11-27T12:00:00.000Z',
      load: { before: 0.1, after: 1 },
      versions: { rclone: '1.71' },
      runs: [benchRun('rclone', 4), benchRun('sluice', 2), benchRun('sluice', 2.2)],
      skipped: { aria2: 'not installed' },
    },
  ],
}
const messageOf = (text: string) => {
  const result = readReportFile(text)
  return result.ok ? 'opened' : result.message
}
const tables = (json: object) => {
  const result = readReportFile(JSON.stringify(json))
  if (!result.ok || result.opened.shape !== 'tables') throw new Error(messageOf(JSON.stringify(json)))
  return result.opened.report
}

describe('a file that is opened', () => {
  it('shows an exported report as its page does', () => {
    const result = readReportFile(exported())
    expect(result).toMatchObject({
      ok: true,
      opened: { shape: 'transfer', view: { sentences: reportFindings(reportOf()).sentences, timeline: { parts: 10 } } },
    })
  })

  it('takes reports that were exported before settings were in them', () => {
    const { settings, engines, ...older } = JSON.parse(exported())
    delete older.format
    expect(readReportFile(JSON.stringify(older))).toMatchObject({ ok: true })
    expect([settings, engines]).not.toContain(undefined)
  })

  it('shows a perf run with its spread and its curves', () => {
    const report = tables(perf())
    expect(report.sentences[0]).toBe('200.0 MiB in 2 transfers, 66.7 MiB/s on average.')
    expect(report.sections[0]?.bars.map(({ share }) => share)).toEqual([1, 0.5])
    expect(report.sections[0]?.curves[0]?.points).toHaveLength(2)
  })

  it('shows a bench with the peers by speed, Sluice first', () => {
    const report = tables(bench)
    expect(report.sentences[0]).toBe(
      'Sluice moved 488.7 MiB/s, 1.91 times as fast as rclone, the fastest of the others.',
    )
    expect(report.sections[0]?.rows.map((row) => row[0])).toEqual(['sluice', 'rclone'])
    expect(report.sections[0]?.notes.join(' ')).toContain('aria2: not installed')
  })

  it('shows what a script wrote as words and tables, with only what it has', () => {
    const report = tables({
      format: 'sluice-table-report',
      version: 1,
      kind: 'npm run stress -- readers',
      title: '1,000 readers',
      sentences: ['No error in 12,000 requests.'],
      sections: [{ title: 'Latency', columns: [{ title: 'p95' }], rows: [['120 ms']] }],
    })
    expect(report.sections[0]).toMatchObject({ rows: [['120 ms']], bars: [], curves: [] })
    expect(messageOf('{"format":"sluice-table-report","version":1}')).toContain('first of all “kind”')
  })

  it.each([
    ['', 'empty'],
    ['{"transfer":', 'not JSON'],
    ['at,stepMs,sourceBytes\r\n', 'CSV'],
    ['[1,2]', 'no report that is known'],
    ['null', 'no report that is known'],
    ['{"hello":1}', 'no report that is known'],
    [
      JSON.stringify(perf({ transfers: [{}] })),
      'npm run perf, but something in it is missing or wrong, first of all “transfers.0',
    ],
    [JSON.stringify({ ...bench, results: 3 }), 'npm run bench, but'],
    [exported().replace('"samples":[', '"samples":["x",'), '“samples.0”'],
  ])('that cannot be shown says why: %#', (text, words) => {
    expect(messageOf(text)).toContain(words)
  })

  it('never throws, whatever is in it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(messageOf(text)).not.toBe('')
      }),
    )
    fc.assert(
      fc.property(fc.nat({ max: exported().length }), fc.string({ maxLength: 3 }), (at, text) => {
        expect(typeof messageOf(exported().slice(0, at) + text + exported().slice(at + text.length))).toBe('string')
      }),
      { numRuns: 200 },
    )
  })
})
