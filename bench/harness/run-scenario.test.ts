import { describe, expect, test } from 'vitest'
import type { Peer, Work } from '../peers/peer.ts'
import { presignPut } from '../peers/presign-put.ts'
import type { Scenario } from '../scenario.ts'
import { runScenario } from './run-scenario.ts'

const SIZE_BYTES = 100_000
const SCENARIO: Scenario = {
  name: 'small',
  shows: 'Two small files.',
  source: { kind: 'metered' },
  store: { kind: 'discard' },
  files: { count: 2, sizeBytes: SIZE_BYTES },
  peers: [],
  rounds: 1,
}

/** Copies by fetch; `spoil` changes the bytes on their way. */
function copier(name: string, spoil: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>): Peer {
  return {
    name,
    version: () => `${name} 1`,
    unavailable: () => null,
    async run({ files, store }: Work) {
      for (const { url, key } of files) {
        const body = spoil(new Uint8Array(await (await fetch(url)).arrayBuffer()))
        await fetch(presignPut(store, key, new Date()), { method: 'PUT', body })
      }
      return { wallSeconds: 1, cpuSeconds: 1, peakRssBytes: 1 }
    },
  }
}

async function measure(peers: readonly Peer[], rounds = 1, signal = new AbortController().signal) {
  const lines: string[] = []
  const result = await runScenario(SCENARIO, { rounds, peers, say: (line) => lines.push(line), signal })
  return { result, lines }
}

const honest = (name: string) => copier(name, (bytes) => bytes)

describe('a scenario', () => {
  test('counts what arrived whole, with the requests of its run alone', async () => {
    const { result } = await measure([honest('a')], 2)
    const requests = { sourceRequests: 2, storeRequests: 2, refusedRequests: 0 }
    expect(result.runs).toMatchObject([
      { peer: 'a', round: 0, bytes: 2 * SIZE_BYTES, ...requests },
      { peer: 'a', round: 1, bytes: 2 * SIZE_BYTES, ...requests },
    ])
    expect(result).toMatchObject({ skipped: {}, versions: { a: 'a 1' } })
  })

  test('lets everybody begin a round in turn', async () => {
    const { result } = await measure([honest('a'), honest('b')], 2)
    expect(result.runs.map(({ peer, round }) => `${peer}${round}`)).toEqual(['a0', 'b0', 'b1', 'a1'])
  })

  test.each([
    ['a byte that differs', (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(1, 0, 1), 'other bytes than the source has'],
    ['a byte too few', (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(1), 'wrote 99999 bytes of 100000'],
  ])('does not count a run with %s, and says so', async (_what, spoil, reason) => {
    const { result, lines } = await measure([copier('bad', spoil), honest('good')], 2)
    expect(result.runs.map(({ peer }) => peer)).toEqual(['good', 'good'])
    expect(result.skipped.bad).toContain(reason)
    expect(lines.filter((line) => line.includes('left out'))).toHaveLength(1)
  })

  test('skips by name and reason who cannot do the work', async () => {
    const { result } = await measure([{ ...honest('a'), unavailable: () => 'a is not installed.' }])
    expect(result).toMatchObject({ runs: [], skipped: { a: 'a is not installed.' } })
  })

  test('ends when it is told to', async () => {
    await expect(measure([honest('a')], 1, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})
