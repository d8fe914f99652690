import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLog } from '../../server/log.ts'
import { openTieredCache } from './open-tiered-cache.ts'
import { bytesOf, keyOf, PATIENT, recordOf } from './testing/slices.ts'

let parent: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-crash-'))
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

const SLICE_BYTES = 256 * 1024

/** Writes until it has said `dots` times that something was written, then is killed at some moment of the next writes. */
async function writeAndKill(dots: number): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing/write-until-killed.ts'), parent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let seen = 0
  for await (const chunk of child.stdout) {
    seen += (chunk as Buffer).byteLength
    if (seen >= dots) break
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

it('after kill -9 in the middle of writes every slice that is found is the right one, and nothing is left over', async () => {
  for (const dots of [3, 40, 17]) {
    await writeAndKill(dots)
    const log = createLog('engine', 'silent')
    const disk = { parent, maxBytes: 64 * 1024 * 1024 }
    const cache = await openTieredCache({
      memoryBytes: 1_000_000,
      ttlMs: 3_600_000,
      writeQueue: 5,
      disk,
      redisUrl: null,
      log,
    })
    await cache.ready
    let found = 0
    for (let index = 0; index < 100; index++)
      for (let file = 0; file < 7; file++) {
        const key = keyOf(`file-${file}`, index)
        const slice = await cache.get(key, PATIENT)
        if (!slice) continue
        expect(Buffer.compare(slice.bytes, bytesOf(key, SLICE_BYTES))).toBe(0)
        found++
      }
    expect(found).toBeGreaterThanOrEqual(dots)
    expect(cache.stats()).toMatchObject({ corrupt: 0, disk: { slices: found } })
    expect(await cache.loadRecord(keyOf('file-0', 0).objectId, PATIENT)).toEqual(recordOf('file-0'))
    expect(readdirSync(parent)).toEqual(['0'])
    expect(readdirSync(join(parent, '0', 'temporary'))).toEqual([])
    await cache.close()
  }
})
