import { execFileSync } from 'node:child_process'
import { startHelper } from '../harness/helper-process.ts'
import { startSource } from '../sources/source.ts'

const MIB = 1024 * 1024
const source = await startSource({ kind: 'metered' }, undefined)
const sluice = await startHelper(new URL('./sluice-process.ts', import.meta.url).pathname, {
  originUrl: source.url,
  cacheBytes: 512 * MIB,
})
const url = `${sluice.url}/1x${64 * MIB}/0.bin`
await (await fetch(url)).arrayBuffer()
for (const [len, conns, dur] of [
  [65536, 32, 3],
  [MIB, 32, 3],
  [64 * MIB, 8, 3],
  [65536, 1000, 3],
  [65536, 32, 3],
] as const) {
  const before = sluice.cpuSeconds()
  const out = execFileSync('wrk', ['-t1', '-c', String(conns), '-d', `${dur}s`, '-s', 'bench/range/ranges.lua', url], {
    env: { ...process.env, FILE_BYTES: String(64 * MIB), RANGE_BYTES: String(len) },
    encoding: 'utf8',
  })
  const f = JSON.parse(out.trim().split('\n').at(-1)!)
  const cpu = sluice.cpuSeconds() - before
  console.log(
    len,
    conns,
    f,
    'cpu',
    cpu.toFixed(2),
    'us/req',
    ((cpu * 1e6) / f.requests).toFixed(1),
    'cpu-s/GiB',
    (cpu / (f.bytes / 1024 ** 3)).toFixed(3),
    'MiB/s',
    (f.bytes / MIB / (f.microseconds / 1e6)).toFixed(0),
  )
}
await sluice.stop()
await source.stop()
