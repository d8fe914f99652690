import { join } from 'node:path'
import { LAYOUT_VERSION } from './entry-format.ts'
import type { SliceKey } from './slice-cache.ts'
import { OBJECT_LENGTH, SCOPE_LENGTH } from './slice-key.ts'

// The folder of a disk tier:
//
//   v1/SCOPE/OBJECT/VERSION.INDEX.slice   one slice each; an origin is a folder, an object is a folder in it
//   v1/SCOPE/OBJECT/record.json           what is known of the object
//   temporary/                            what is being written, and what is being removed; emptied at start
//   purged                                the last purge that was applied here
//   uses                                  how often and when readers had each object, as of some minutes ago
//   lock                                  the process that uses the folder

const SLICE_FILE = /^([0-9a-f]{20})\.(\d{1,10})\.slice$/
const SCOPE_FOLDER = new RegExp(`^[0-9a-f]{${SCOPE_LENGTH}}$`)
const OBJECT_FOLDER = new RegExp(`^[0-9a-f]{${OBJECT_LENGTH}}$`)

export const RECORD_FILE = 'record.json'
export const LAYOUT_FOLDER = `v${LAYOUT_VERSION}`

/** Where things are in the folder of a disk tier. */
export class DiskLayout {
  readonly root: string
  readonly entries: string
  readonly temporary: string
  readonly purgedFile: string
  readonly usesFile: string
  readonly lockFile: string

  constructor(root: string) {
    this.root = root
    this.entries = join(root, LAYOUT_FOLDER)
    this.temporary = join(root, 'temporary')
    this.purgedFile = join(root, 'purged')
    this.usesFile = join(root, 'uses')
    this.lockFile = join(root, 'lock')
  }

  scopeFolder(scope: string): string {
    return join(this.entries, scope)
  }

  objectFolder(objectId: string): string {
    return join(this.entries, objectId.slice(0, SCOPE_LENGTH), objectId.slice(SCOPE_LENGTH))
  }

  sliceFile(key: SliceKey): string {
    return join(this.objectFolder(key.objectId), `${key.version}.${key.index}.slice`)
  }

  recordFile(objectId: string): string {
    return join(this.objectFolder(objectId), RECORD_FILE)
  }

  /** The names in the root that are this layout's; everything else is foreign. */
  isOwn(name: string): boolean {
    return [LAYOUT_FOLDER, 'temporary', 'purged', 'uses', 'lock'].includes(name)
  }
}

/** The version and index in the name of a slice's file; null where it is no such name. */
export function readSliceName(name: string): { version: string; index: number } | null {
  const match = SLICE_FILE.exec(name)
  return match?.[1] && match[2] ? { version: match[1], index: Number(match[2]) } : null
}

/** The id that two folder names make; null where they are none of ours. */
export function readObjectFolder(scope: string, object: string): string | null {
  return SCOPE_FOLDER.test(scope) && OBJECT_FOLDER.test(object) ? scope + object : null
}
