import { constants, type FileHandle, open, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isCode } from './disk-folder.ts'
import { type DiskLayout, RECORD_FILE, readObjectFolder, readSliceName } from './disk-layout.ts'
import { decodeHeader, ENTRY_HEADER_BYTES } from './entry-format.ts'
import type { StoredEntry } from './eviction.ts'
import { parseRecord } from './object-record.ts'
import type { ObjectRecord } from './slice-cache.ts'

export interface Swept {
  /** Whole entries, the longest unused first. */
  readonly entries: StoredEntry[]
  readonly records: ObjectRecord[]
  /** Torn or foreign files and folders that were removed. */
  readonly removed: number
}

/**
 * Looks through the folder of a disk tier at start: removes what was being written when the process ended, what another layout
 * left, and entries that are torn (a header that is not whole, a length that is not the one it says), and finds the others.
 * Payloads are not read: their checksum is looked at when they are. Stops early, with what it found, when `signal` aborts.
 */
export async function sweep(layout: DiskLayout, signal: AbortSignal): Promise<Swept> {
  const swept = { entries: [] as StoredEntry[], records: [] as ObjectRecord[], removed: 0 }
  const remove = async (path: string) => {
    await rm(path, { recursive: true, force: true })
    swept.removed++
  }
  for (const name of await readdir(layout.root)) if (!layout.isOwn(name)) await remove(join(layout.root, name))
  const scopes = await readdir(layout.entries).catch((error) => {
    if (isCode(error, 'ENOENT')) return []
    throw error
  })
  for (const scope of scopes) {
    const scopeFolder = join(layout.entries, scope)
    for (const object of await listFolder(scopeFolder)) {
      if (signal.aborted) return swept
      const objectId = readObjectFolder(scope, object)
      if (objectId === null) await remove(join(scopeFolder, object))
      else await sweepObject(join(scopeFolder, object), objectId, swept, remove)
    }
    // Goes where it is empty, and stays where it is not.
    await rmdir(scopeFolder).catch(() => {})
  }
  swept.entries.sort((a, b) => a.touchedAtMs - b.touchedAtMs)
  return swept
}

async function sweepObject(
  folder: string,
  objectId: string,
  swept: { entries: StoredEntry[]; records: ObjectRecord[] },
  remove: (path: string) => Promise<void>,
): Promise<void> {
  for (const name of await listFolder(folder)) {
    const path = join(folder, name)
    if (name === RECORD_FILE) {
      const record = parseRecord(await readFile(path, 'utf8').catch(() => ''), objectId)
      if (record) swept.records.push(record)
      else await remove(path)
      continue
    }
    const slice = readSliceName(name)
    const entry = slice ? await readEntryHead(path, { objectId, ...slice }) : null
    if (entry) swept.entries.push(entry)
    else await remove(path)
  }
  await rmdir(folder).catch(() => {})
}

async function readEntryHead(path: string, key: StoredEntry['key']): Promise<StoredEntry | null> {
  try {
    const file = await openUnnoticed(path)
    try {
      const { size, atimeMs } = await file.stat()
      const buffer = Buffer.alloc(ENTRY_HEADER_BYTES)
      const { bytesRead } = await file.read(buffer, 0, ENTRY_HEADER_BYTES, 0)
      const header = bytesRead === ENTRY_HEADER_BYTES ? decodeHeader(buffer) : null
      if (!header || size !== ENTRY_HEADER_BYTES + header.payloadBytes) return null
      const isSame =
        header.key.objectId === key.objectId && header.key.version === key.version && header.key.index === key.index
      return isSame ? { key, bytes: size, storedAtMs: header.storedAtMs, touchedAtMs: atimeMs } : null
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}

/** Looking through the folder is no use of a slice: where the system allows it, its access time stays as it is. */
async function openUnnoticed(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | (constants.O_NOATIME ?? 0))
  } catch (error) {
    if (!isCode(error, 'EPERM')) throw error
    return open(path, 'r')
  }
}

/** A file where a folder should be has nothing in it, and goes with the next sweep. */
async function listFolder(path: string): Promise<string[]> {
  if ((await stat(path)).isDirectory()) return readdir(path)
  await rm(path, { force: true })
  return []
}
