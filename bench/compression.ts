import { randomBytes } from 'node:crypto'
import { compressSlice, expandSlice } from '../src/engine/cache/compression.ts'
import { median } from './statistics.ts'

// What SLUICE_CACHE_COMPRESSION costs for a slice of 1 MiB, in milliseconds of CPU, and what it saves: the median of rounds, for each codec
// on bytes that do not get smaller and on lines of a log. Usage: node bench/compression.ts [rounds]

const SLICE_BYTES = 1024 * 1024
const SLICES = 16
const rounds = Number(process.argv[2] ?? 5)

/** Lines as a server writes them: times that go on, a few paths, numbers that differ. */
function logLines(): Buffer {
  const lines: string[] = []
  for (let bytes = 0, at = 1_700_000_000_000; bytes < SLICE_BYTES; at += Math.ceil(Math.random() * 900)) {
    const path = `/files/${Math.floor(Math.random() * 400)}/part-${Math.floor(Math.random() * 90)}.parquet`
    const status = Math.random() < 0.9 ? 200 : 206
    const line = `${new Date(at).toISOString()} 10.0.${Math.floor(Math.random() * 255)}.7 GET ${path} ${status} ${Math.floor(Math.random() * 1e7)}\n`
    lines.push(line)
    bytes += line.length
  }
  return Buffer.from(lines.join('')).subarray(0, SLICE_BYTES)
}

async function cpuMs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / SLICES
}

console.log('| codec | slices | kept as | of its size | CPU to keep | CPU to read |\n|---|---|---|---|---|---|')
for (const [kind, make] of [
  ['random bytes', () => randomBytes(SLICE_BYTES)],
  ['lines of a log', logLines],
] as const) {
  const slices = Array.from({ length: SLICES }, make)
  for (const codec of ['off', 'zstd', 'brotli', 'gzip'] as const) {
    const kept: Awaited<ReturnType<typeof compressSlice>>[] = []
    const round = async () => {
      kept.length = 0
      const keep = await cpuMs(async () => {
        for (const slice of slices) kept.push(await compressSlice(slice, codec))
      })
      const read = await cpuMs(async () => {
        for (const { codec, payload } of kept) await expandSlice(codec, payload, SLICE_BYTES)
      })
      return { keep, read }
    }
    // The first round is the compiler's.
    await round()
    const figures: Awaited<ReturnType<typeof round>>[] = []
    for (let number = 0; number < rounds; number++) figures.push(await round())
    const share = kept.reduce((sum, { payload }) => sum + payload.byteLength, 0) / (SLICES * SLICE_BYTES)
    const ms = (of: 'keep' | 'read') => `${(median(figures.map((figure) => figure[of])) ?? Number.NaN).toFixed(2)} ms`
    const as = kept[0]?.codec === 'none' ? 'it is' : codec
    console.log(`| ${codec} | ${kind} | ${as} | ${(share * 100).toFixed(0)} % | ${ms('keep')} | ${ms('read')} |`)
  }
}
