import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../server/log.ts'
import { DiskTier } from './disk.ts'
import { takeDiskFolder } from './disk-folder.ts'
import { DiskLayout } from './disk-layout.ts'
import { encodeHeader } from './entry-format.ts'
import { ObjectIndex } from './object-index.ts'
import type { SliceKey } from './slice-cache.ts'
import { sweep } from './sweep.ts'
import { bytesOf, keyOf, PATIENT, recordOf } from './testing/slices.ts'

let parent: string
const open: DiskTier[] = []

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
})
afterEach(async () => {
  for (const tier of open.splice(0)) await tier.close()
  rmSync(parent, { recursive: true, force: true })
})

async function openTier(over: { maxBytes?: number; ttlMs?: number; parent?: string } = {}) {
  const index = new ObjectIndex()
  const log = createLog('engine', 'silent')
  const disk = await DiskTier.open({ parent, maxBytes: 1_000_000, ttlMs: 60_000, index, log, ...over })
  open.push(disk)
  await disk.ready
  return { disk, index }
}

async function write(disk: DiskTier, key: SliceKey, { length = 64, storedAtMs = Date.now() } = {}) {
  const bytes = bytesOf(key, length)
  await disk.write(key, encodeHeader(key, bytes, { codec: 'none', sizeBytes: length, storedAtMs }), bytes, storedAtMs)
}

const fileOf = (disk: DiskTier, key: SliceKey) => new DiskLayout(disk.folder).sliceFile(key)
const filesIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
    : 0

it('gives back what was written, after a restart too', async () => {
  const first = await openTier()
  await write(first.disk, keyOf('film', 0))
  await first.disk.writeRecord(recordOf('film'))
  expect((await first.disk.read(keyOf('film', 0)))?.payload).toEqual(Buffer.from(bytesOf(keyOf('film', 0))))
  await first.disk.close()

  const { disk, index } = await openTier()
  expect(disk.folder).toBe(first.disk.folder)
  expect(disk).toMatchObject({ slices: 1, bytes: 72 + 64, state: 'ready' })
  expect(index.get(keyOf('film', 0).objectId)?.record).toEqual(recordOf('film'))
  expect((await disk.read(keyOf('film', 0)))?.payload).toEqual(Buffer.from(bytesOf(keyOf('film', 0))))
  expect(await disk.read(keyOf('film', 1))).toBeNull()
})

it('sweeps at start: temporary files, torn and foreign entries and another layout go, whole ones stay', async () => {
  const first = await openTier()
  for (const n of [0, 1, 2]) await write(first.disk, keyOf('film', n))
  const { folder } = first.disk
  await first.disk.close()
  truncateSync(fileOf(first.disk, keyOf('film', 1)), 100)
  writeFileSync(fileOf(first.disk, keyOf('film', 2)), readFileSync(fileOf(first.disk, keyOf('film', 0))))
  const objectFolder = dirname(fileOf(first.disk, keyOf('film', 0)))
  writeFileSync(join(objectFolder, 'notes.txt'), 'not ours')
  writeFileSync(join(objectFolder, 'record.json'), '{"half":')
  writeFileSync(join(folder, 'temporary', 'half-written'), 'x')
  mkdirSync(join(folder, 'v0', 'old'), { recursive: true })
  mkdirSync(join(folder, 'v1', 'strange'))
  writeFileSync(join(folder, 'v1', 'file'), '')

  const { disk } = await openTier()
  expect(disk.slices).toBe(1)
  expect(readdirSync(objectFolder)).toEqual([expect.stringMatching(/\.0\.slice$/)])
  expect(readdirSync(folder).sort()).toEqual(['lock', 'temporary', 'uses', 'v1'])
  expect(readdirSync(join(folder, 'temporary'))).toEqual([])
  expect(readdirSync(join(folder, 'v1'))).toHaveLength(1)
})

it('takes a slice that the medium changed for a miss and removes it (correctness 51: the cache medium lies)', async () => {
  const { disk } = await openTier()
  const key = keyOf('film', 0)
  await write(disk, key)
  // A sparse hole where bytes were: zeros of the right length, as s3fs served them.
  writeFileSync(fileOf(disk, key), Buffer.concat([readFileSync(fileOf(disk, key)).subarray(0, 72), Buffer.alloc(64)]))
  expect(await disk.read(key)).toBeNull()
  expect(disk).toMatchObject({ corrupt: 1, slices: 0, bytes: 0 })
  expect(existsSync(fileOf(disk, key))).toBe(false)
})

it('stays within its bytes, and the least recently used go first, over a restart too', async () => {
  const { disk } = await openTier({ maxBytes: 3 * 1_072 })
  for (const n of [0, 1, 2]) await write(disk, keyOf('film', n), { length: 1_000 })
  await disk.read(keyOf('film', 0))
  await write(disk, keyOf('film', 3), { length: 1_000 })
  const there = async (tier: DiskTier) => {
    const found = []
    for (const n of [0, 1, 2, 3]) if (await tier.read(keyOf('film', n))) found.push(n)
    return found
  }
  expect(await there(disk)).toEqual([0, 2, 3])
  expect(disk).toMatchObject({ evictions: 1, bytes: 3 * 1_072 })
  await disk.close()
  const smaller = await openTier({ maxBytes: 1_072 })
  expect(smaller.disk.slices).toBe(1)
  expect(filesIn(join(smaller.disk.folder, 'v1'))).toBe(1)
})

it('has nothing that is older than the TTL, and cleans up what nobody asks for', async () => {
  const { disk } = await openTier({ ttlMs: 10_000 })
  await write(disk, keyOf('film', 0), { storedAtMs: Date.now() - 10_001 })
  await write(disk, keyOf('film', 1), { storedAtMs: Date.now() - 10_001 })
  await write(disk, keyOf('film', 2))
  expect(await disk.read(keyOf('film', 0))).toBeNull()
  await disk.removeExpired()
  expect(disk).toMatchObject({ slices: 1, expired: 2 })
  expect(filesIn(join(disk.folder, 'v1'))).toBe(1)
})

it('gives two engines on one data folder a folder each, and a new one that of a dead one', async () => {
  const first = await openTier()
  const second = await openTier()
  expect(second.disk.folder).not.toBe(first.disk.folder)
  await first.disk.close()
  writeFileSync(join(first.disk.folder, 'lock'), 'another boot\n999999 1')
  const third = await openTier()
  expect(third.disk.folder).toBe(first.disk.folder)
})

it('gives an engine that starts while another sweeps a folder of its own', async () => {
  const { disk } = await openTier()
  const layout = new DiskLayout(disk.folder)
  let isOver = false
  const sweeping = (async () => {
    while (!isOver) await sweep(layout, PATIENT)
  })()
  const taken: string[] = []
  for (let engine = 0; engine < 40; engine++) taken.push((await takeDiskFolder(parent)).root)
  isOver = true
  await sweeping
  expect(taken).not.toContain(disk.folder)
  expect(new Set(taken).size).toBe(40)
})

describe('a purge', () => {
  it('removes all slices of an object although there are holes between them (correctness 48)', async () => {
    const { disk } = await openTier()
    for (const n of [0, 7, 8, 4_000]) await write(disk, keyOf('film', n))
    await write(disk, keyOf('film', 3, { etag: 'old' }))
    await write(disk, keyOf('other', 0))
    await disk.writeRecord(recordOf('film'))
    await disk.purge({ objectId: keyOf('film', 0).objectId })
    expect(filesIn(join(disk.folder, 'v1'))).toBe(1)
    expect(disk.slices).toBe(1)
    expect(await disk.read(keyOf('other', 0))).not.toBeNull()
  })

  it('removes files that the index does not know, because it removes folders', async () => {
    const first = await openTier()
    await write(first.disk, keyOf('film', 0))
    const stranger = fileOf(first.disk, keyOf('film', 9))
    writeFileSync(stranger, 'whatever')
    await first.disk.purge({ scope: keyOf('film', 0).objectId.slice(0, 16) })
    expect(existsSync(stranger)).toBe(false)
    await write(first.disk, keyOf('film', 0))
    expect(await first.disk.read(keyOf('film', 0))).not.toBeNull()
    await first.disk.purge('all')
    expect(filesIn(join(first.disk.folder, 'v1'))).toBe(0)
  })

  it('takes back what was being written while it ran', async () => {
    const { disk } = await openTier()
    const writing = write(disk, keyOf('film', 0), { length: 500_000 })
    await disk.purge('all')
    await writing
    expect(filesIn(join(disk.folder, 'v1'))).toBe(0)
    expect(disk.slices).toBe(0)
  })

  it('goes well beside other purges and beside writes, which are no failures of the disk', async () => {
    const { disk } = await openTier()
    const work = async (number: number) => {
      for (let turn = 0; turn < 20; turn++) {
        await write(disk, keyOf(`film ${number}`, turn), { length: 1_000 })
        await disk.writeRecord(recordOf(`film ${number}`))
        if ((number + turn) % 2 === 0) await disk.purge('all')
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, number) => work(number)))
    expect(disk).toMatchObject({ errors: 0, state: 'ready' })
    await disk.purge('all')
    expect(filesIn(join(disk.folder, 'v1'))).toBe(0)
  })

  it('goes well while the folder is looked through, which then begins again', async () => {
    const first = await openTier()
    for (let n = 0; n < 400; n++) await write(first.disk, keyOf(`film ${n}`, 0))
    await first.disk.close()
    const disk = await DiskTier.open({
      parent,
      maxBytes: 1_000_000,
      ttlMs: 60_000,
      index: new ObjectIndex(),
      log: createLog('engine', 'silent'),
    })
    open.push(disk)
    for (let n = 0; n < 100; n++) await disk.purge(n < 99 ? { objectId: keyOf(`film ${n}`, 0).objectId } : 'all')
    await disk.ready
    expect(disk).toMatchObject({ errors: 0, state: 'ready', slices: 0 })
  })

  it('is remembered over a restart', async () => {
    const first = await openTier()
    expect(await first.disk.purgedUpTo()).toBeNull()
    await first.disk.markPurged(42n)
    await first.disk.close()
    const { disk } = await openTier()
    expect(await disk.purgedUpTo()).toBe(42n)
  })
})

it('goes on without a folder that was taken away: writes are left out, reads are misses, and it is counted', async () => {
  const { disk } = await openTier()
  await write(disk, keyOf('film', 0))
  rmSync(disk.folder, { recursive: true })
  writeFileSync(disk.folder, 'a file stands where the folder was')
  expect(await disk.read(keyOf('film', 0))).toBeNull()
  await write(disk, keyOf('film', 1))
  expect(disk.state).toBe('failing')
  expect(disk.errors).toBeGreaterThan(0)
  rmSync(disk.folder)
})

const noTmpfs = process.getuid?.() === 0 && process.platform === 'linux' ? null : 'only root may mount a small disk'

it.skipIf(noTmpfs !== null)(
  `goes on when the disk is full, and gives up old slices for it ${noTmpfs ?? ''}`,
  async (context) => {
    const small = join(parent, 'small')
    mkdirSync(small)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small], { stdio: 'ignore' })
    } catch {
      return context.skip('this machine does not let root mount a tmpfs')
    }
    try {
      const { disk } = await openTier({ parent: small, maxBytes: 1_000_000_000 })
      for (let n = 0; n < 12; n++) await write(disk, keyOf('film', n), { length: 100_000 })
      expect(disk.state).toBe('failing')
      expect(disk.errors).toBe(1)
      expect(disk.evictions).toBeGreaterThan(0)
      expect(readdirSync(join(disk.folder, 'temporary'))).toEqual([])
      let whole = 0
      for (let n = 0; n < 12; n++) {
        const read = await disk.read(keyOf('film', n))
        if (!read) continue
        expect(read.payload).toEqual(Buffer.from(bytesOf(keyOf('film', n), 100_000)))
        whole++
      }
      expect(whole).toBeGreaterThan(4)
      await disk.close()
    } finally {
      execFileSync('umount', ['-l', small])
    }
  },
)
