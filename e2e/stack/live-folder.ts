import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The paths of all files under a folder that processes are working in: what they remove or rename in it between one look and
 * the next is left out, where `readdirSync(…, { recursive: true })` would throw. The folder itself must be there.
 */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return unlessGone<string[]>([], () => filesUnder(path))
    return entry.isFile() ? [path] : []
  })
}

/** What a file of such a folder says, byte for byte; nothing where it is gone already. */
export function textOf(path: string): string {
  return unlessGone('', () => readFileSync(path, 'latin1'))
}

function unlessGone<T>(otherwise: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}
