import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRunning, machineIdentity, processIdentity } from '../../server/config/process-identity.ts'
import { DiskLayout } from './disk-layout.ts'

/** Engines on one data folder; each has a folder of its own, so that none counts or sweeps what is another's. */
const MAX_FOLDERS = 64

/**
 * Takes the first folder under `parent` that no running engine uses: `0`, `1`, and so on. So an engine that starts again finds
 * what it had, and a second one beside it gets its own. Rejects where the parent cannot be written to.
 */
export async function takeDiskFolder(parent: string): Promise<DiskLayout> {
  for (let number = 0; number < MAX_FOLDERS; number++) {
    const layout = new DiskLayout(join(parent, String(number)))
    await mkdir(layout.root, { recursive: true })
    if (!(await takeLock(layout))) continue
    // Under a name that the sweep takes for foreign: emptying it may take long, and is done in the background.
    await rename(layout.temporary, join(layout.root, `old-${randomUUID()}`)).catch(() => {})
    await mkdir(layout.temporary, { recursive: true })
    return layout
  }
  throw new Error(`All ${MAX_FOLDERS} folders of the slice cache are in use.`)
}

/** Gives the folder back. */
export async function leaveDiskFolder(layout: DiskLayout): Promise<void> {
  await rm(layout.lockFile, { force: true })
}

/** A lock is a file that is there whole or not at all; one of a process that is gone counts for nothing. */
async function takeLock(layout: DiskLayout): Promise<boolean> {
  const mine = join(layout.root, `lock-${randomUUID()}`)
  await writeFile(mine, `${machineIdentity() ?? ''}\n${processIdentity(process.pid)}`)
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        await link(mine, layout.lockFile)
        return true
      } catch (error) {
        // The sweep of an engine that holds the folder takes what is not its own away, ours too.
        if (isCode(error, 'ENOENT')) return false
        if (!isCode(error, 'EEXIST')) throw error
      }
      if (await isHeld(layout.lockFile)) return false
      await unlink(layout.lockFile).catch(() => {})
    }
    return false
  } finally {
    await unlink(mine).catch(() => {})
  }
}

async function isHeld(lockFile: string): Promise<boolean> {
  const text = await readFile(lockFile, 'utf8').catch(() => null)
  if (text === null) return false
  const [machine = '', process = ''] = text.split('\n')
  return machine === (machineIdentity() ?? '') && isRunning(process)
}

/** Writes a small file whole or not at all. */
export async function replaceFile(layout: DiskLayout, path: string, text: string): Promise<void> {
  const temporary = join(layout.temporary, randomUUID())
  try {
    await writeFile(temporary, text)
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/** Writes the pieces one after another into a new file. */
export async function writeNewFile(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx')
  try {
    const total = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const { bytesWritten } = await file.writev([...pieces])
    // A full disk may take a part of it without an error.
    if (bytesWritten !== total)
      throw Object.assign(new Error('The disk took a part of the entry only.'), { code: 'ENOSPC' })
  } finally {
    await file.close()
  }
}

/** Reads a whole file of a known length, or of whatever length it has; null where there is none. */
export async function readWholeFile(path: string, knownBytes: number | null): Promise<Buffer | null> {
  const file = await open(path, 'r').catch((error) => {
    if (isCode(error, 'ENOENT')) return null
    throw error
  })
  if (!file) return null
  try {
    const length = knownBytes ?? (await file.stat()).size
    const buffer = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  } finally {
    await file.close()
  }
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException)?.code ?? '')
}
