import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BlobFiles } from './blob-files.ts'
import { readBlobs } from './read-blobs.ts'

let dir: string
let blobs: BlobFiles
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-blobs-'))
  blobs = new BlobFiles(dir)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

async function write(bytes: Buffer, chunkBytes: number): Promise<string> {
  const writer = blobs.create()
  for (let at = 0; at < bytes.length; at += chunkBytes)
    if (!writer.write(bytes.subarray(at, at + chunkBytes))) await writer.drained()
  return (await writer.keep()) ?? ''
}

async function read(list: { id: string; sizeBytes: number }[], start: number, end: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  await readBlobs(blobs, list, { start, end }, async (piece) => void pieces.push(Buffer.from(piece)))
  return Buffer.concat(pieces)
}

const names = () =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)

test('what is written in chunks of any size, past the syncs in between, is read back over the borders of files', async () => {
  const [large, small] = [randomBytes(70_000_001), randomBytes(10)]
  const list = [
    { id: await write(large, 65_536), sizeBytes: large.length },
    { id: await write(small, 1), sizeBytes: small.length },
  ]
  const whole = Buffer.concat([large, small])
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  expect(digest(await read(list, 0, whole.length))).toBe(digest(whole))
  expect(await read(list, large.length - 2, large.length + 3)).toEqual(
    whole.subarray(large.length - 2, large.length + 3),
  )
})

test('a blob without bytes has no file, and a discarded one leaves none', async () => {
  expect(await write(Buffer.alloc(0), 1)).toBe('')
  const writer = blobs.create()
  writer.write(randomBytes(2_000_000))
  await writer.discard()
  expect(names()).toEqual([])
})

test('an adopted blob outlives a discard that comes too late', async () => {
  const writer = blobs.create()
  writer.write(Buffer.from('kept'))
  const id = (await writer.keep()) ?? ''
  writer.adopt()
  await writer.discard()
  expect(names()).toEqual([id])
})

test('the sweep removes temporary files and unknown blobs, and keeps known ones', async () => {
  const [known, unknown] = [await write(Buffer.from('a'), 1), await write(Buffer.from('b'), 1)]
  writeFileSync(join(dir, 'tmp', 'torn'), 'x')
  expect(blobs.sweep(new Set([known]))).toBe(2)
  expect(names()).toEqual([known])
  expect(unknown).not.toBe(known)
})

test('a blob that is being read is removed when its last reader is done', async () => {
  const id = await write(Buffer.from('read me'), 7)
  const [first, second] = [blobs.pin([id]), blobs.pin([id])]
  await blobs.remove([id])
  first()
  expect((await read([{ id, sizeBytes: 7 }], 0, 7)).toString()).toBe('read me')
  second()
  await expect.poll(names).toEqual([])
})

test('a file that is shorter than the catalog says is an error, not a short answer', async () => {
  const id = await write(Buffer.from('abc'), 3)
  await expect(read([{ id, sizeBytes: 5 }], 0, 5)).rejects.toThrow(/shorter/)
})
