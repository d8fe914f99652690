import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { patternSha256 } from '../../src/engine/testing/byte-pattern.ts'
import { savePublishedOrigin } from '../../src/server/db/published-origins.ts'
import { MIB } from '../../src/server/domain/bytes.ts'
import { publishedOriginSaveSchema } from '../../src/server/domain/published-origin.ts'
import { createSealer } from '../../src/server/secrets.ts'
import { filesUnder } from '../stack/live-folder.ts'
import { until } from '../stack/until.ts'
import { type ChaosStack, SECRET_KEY, startChaosStack } from './chaos-stack.ts'
import type { EngineProcess } from './engine-process.ts'
import { assertInvariants, assertProcesses } from './invariants.ts'
import { itNeeds } from './privileges.ts'

const SIZE_BYTES = 24 * MIB
const SEED = 77
const PATH = '/film.bin'

/** Whether a command of the system could be carried out. */
const isDone = (program: string, ...words: string[]) => spawnSync(program, words).status === 0

describe('the disk of the slice cache', () => {
  let stack: ChaosStack
  let dataDir: string
  beforeAll(async () => {
    stack = await startChaosStack()
    const origin = { name: 'films', baseUrl: stack.source.origin, access: 'public', ttlSeconds: 3600 }
    await savePublishedOrigin(stack.database.db, createSealer(SECRET_KEY), publishedOriginSaveSchema.parse(origin))
    stack.source.serve(PATH, { sizeBytes: SIZE_BYTES, seed: SEED })
    dataDir = mkdtempSync(join(tmpdir(), 'sluice-chaos-cache-'))
  })
  afterEach(() => stack.endEngines())
  afterAll(async () => {
    await stack.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const start = () => stack.startEngine({ SLUICE_DATA_DIR: dataDir, SLUICE_CACHE_DISK: '256MiB' })
  /** The whole file through the range server, as a digest. */
  const read = async (engine: EngineProcess) => {
    const response = await until('the origin to be served', async () => {
      const answer = await fetch(`${engine.url}/o/films${PATH}`)
      if (answer.ok) return answer
      await answer.arrayBuffer()
      return null
    })
    const hash = createHash('sha256')
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) hash.update(chunk)
    return hash.digest('hex')
  }
  const entries = () => filesUnder(dataDir).filter((path) => path.endsWith('.slice'))

  it('row 25: slices that were torn or changed by a crash are dropped, and read from the origin again', async () => {
    const first = await start()
    const sha256 = patternSha256(SIZE_BYTES, SEED)
    expect(await read(first)).toBe(sha256)
    await until('every slice to be on disk', () => entries().length === SIZE_BYTES / MIB)
    const isKnown = () => filesUnder(dataDir).some((path) => path.endsWith('record.json'))
    await until('what is known of the file to be there too', isKnown)
    await first.kill()
    const [torn, changed] = entries()
    if (!torn || !changed) throw new Error('There are no slices on disk.')
    truncateSync(torn, Math.floor(statSync(torn).size / 2))
    const bytes = readFileSync(changed)
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1
    writeFileSync(changed, bytes)
    const second = await start()
    expect(await read(second)).toBe(sha256)
    const metrics = await (await fetch(`${second.url}/metrics`)).text()
    expect(Number(/sluice_origin_bytes_total\{origin="films"\} (\d+)/.exec(metrics)?.[1])).toBe(2 * MIB)
    expect(second.isRunning).toBe(true)
    await assertProcesses(stack.processFacts())
  })

  itNeeds('tmpfs', 'row 24: on a full disk readers and transfers get their bytes all the same', async () => {
    rmSync(dataDir, { recursive: true, force: true })
    dataDir = mkdtempSync(join(tmpdir(), 'sluice-chaos-cache-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', dataDir])
    try {
      const engine = await start()
      expect(await read(engine)).toBe(patternSha256(SIZE_BYTES, SEED))
      const one = await stack.begin({ sizeBytes: 12 * MIB })
      await stack.waitFor(one.id, 'completed', 'failed')
      expect(await read(engine)).toBe(patternSha256(SIZE_BYTES, SEED))
      expect(engine.isRunning).toBe(true)
      const warnings = engine
        .logs()
        .split('\n')
        .filter((line) => line.includes('"level":40'))
      expect(warnings.join('\n')).toMatch(/ENOSPC|full/)
      // A disk with errors is taken away from writers like this: every write fails from one moment to the next.
      await until('no file to be open for writing', () => isDone('mount', '-o', 'remount,ro', dataDir))
      expect(await read(engine)).toBe(patternSha256(SIZE_BYTES, SEED))
      const two = await stack.begin({ sizeBytes: 12 * MIB })
      await stack.waitFor(two.id, 'completed', 'failed')
      await assertInvariants(await two.facts({ status: 'completed' }))
      await assertInvariants(await one.facts({ status: 'completed' }))
      await stack.endEngines()
    } finally {
      execFileSync('umount', ['-l', dataDir])
    }
  })
})
