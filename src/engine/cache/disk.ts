import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../server/log.ts'
import { isCode, leaveDiskFolder, readWholeFile, replaceFile, takeDiskFolder, writeNewFile } from './disk-folder.ts'
import type { DiskLayout } from './disk-layout.ts'
import { ENTRY_HEADER_BYTES, openEntry } from './entry-format.ts'
import { Eviction } from './eviction.ts'
import type { ObjectIndex } from './object-index.ts'
import { parseRecord } from './object-record.ts'
import { formatUses, parseUses, usesBefore } from './object-uses.ts'
import type { ObjectRecord, SliceKey } from './slice-cache.ts'
import { type Swept, sweep } from './sweep.ts'

/** After the disk was full or failed, nothing is written for this long. */
const PAUSE_MS = 5_000
/** How much is given up when the disk is full although the tier is not: others fill it too. */
const FULL_SHARE = 0.05
/** Access times are written this seldom: they only have to keep the order of use over a restart, roughly. */
const TOUCH_EVERY_MS = 600_000
/** So seldom uses are written while the engine runs, and at its end; one that is killed forgets what came after. */
const SAVE_USES_EVERY_MS = 600_000

export interface DiskTierOptions {
  /** The folder that engines take theirs in. */
  readonly parent: string
  readonly maxBytes: number
  readonly ttlMs: number
  readonly index: ObjectIndex
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** What a read of the disk gave. The payload may be compressed; `header` says how. */
export type DiskRead = NonNullable<ReturnType<typeof openEntry>>

/**
 * Slices on disk, over restarts: written to a temporary file, renamed into place, checked against their checksum at each read. A file
 * that is torn or was changed is a miss and goes. When the disk is full or fails, reading and writing go on without it.
 */
export class DiskTier {
  readonly #layout: DiskLayout
  readonly #eviction: Eviction
  readonly #index: ObjectIndex
  readonly #log: DiskTierOptions['log']
  readonly #folders = new Set<string>()
  readonly #closing = new AbortController()
  readonly #swept: Promise<void>
  #isSwept = false
  #pausedUntilMs = 0
  #usesSavedMs = performance.now()
  /** Raised at the start and the end of each purge; what was written under an older one is taken back. */
  #purges = 0
  /** The last purge that was asked for; they move folders away one after another. */
  #purging: Promise<void> = Promise.resolve()
  evictions = 0
  expired = 0
  corrupt = 0
  errors = 0

  /** Takes a folder and starts the sweep, which goes on in the background. Rejects where no folder can be had. */
  static async open(options: DiskTierOptions): Promise<DiskTier> {
    return new DiskTier(await takeDiskFolder(options.parent), options)
  }

  private constructor(layout: DiskLayout, { maxBytes, ttlMs, index, log }: DiskTierOptions) {
    this.#layout = layout
    this.#eviction = new Eviction(maxBytes, ttlMs)
    this.#index = index
    this.#log = log
    this.#swept = this.#sweep().catch((error) => this.#failed('look through', error))
  }

  get folder(): string {
    return this.#layout.root
  }

  /** Resolves when what was on disk is known. Until then slices are looked for by their name. */
  get ready(): Promise<void> {
    return this.#swept
  }

  get state(): 'sweeping' | 'ready' | 'failing' {
    if (performance.now() < this.#pausedUntilMs) return 'failing'
    return this.#isSwept ? 'ready' : 'sweeping'
  }

  get bytes(): number {
    return this.#eviction.bytes
  }

  get slices(): number {
    return this.#eviction.size
  }

  get maxBytes(): number {
    return this.#eviction.maxBytes
  }

  /** The entry, proven; null where it is not there, past its TTL, or not what was written. Never rejects. */
  async read(key: SliceKey): Promise<DiskRead | null> {
    const known = this.#eviction.use(key)
    if (!known && this.#isSwept) return null
    const path = this.#layout.sliceFile(key)
    try {
      const entry = await readWholeFile(path, known?.bytes ?? null)
      if (entry === null) {
        this.#forgetEntry(key)
        return null
      }
      const opened = openEntry(entry, key)
      if (!opened) this.corrupt++
      const isExpired = opened !== null && this.#eviction.isExpired(opened.header.storedAtMs, Date.now())
      if (isExpired) this.expired++
      if (!opened || isExpired) {
        await this.#remove(key)
        return null
      }
      if (known && Date.now() - known.touchedAtMs > TOUCH_EVERY_MS) {
        known.touchedAtMs = Date.now()
        utimes(path, new Date(), new Date(known.storedAtMs)).catch(() => {})
      }
      return opened
    } catch (error) {
      this.#failed('read', error)
      await this.#remove(key)
      return null
    }
  }

  /** Whether a write has a chance. */
  get takesWrites(): boolean {
    return !this.#closing.signal.aborted && performance.now() >= this.#pausedUntilMs
  }

  /** Writes an entry of `encodeHeader` and its payload. Never rejects: one that cannot be written is left out. */
  async write(key: SliceKey, header: Uint8Array, payload: Uint8Array, storedAtMs: number): Promise<void> {
    const bytes = ENTRY_HEADER_BYTES + payload.byteLength
    if (!this.takesWrites || this.#eviction.has(key) || bytes > this.maxBytes) return
    const purges = this.#purges
    const temporary = join(this.#layout.temporary, randomUUID())
    try {
      await this.#evict(bytes)
      await writeNewFile(temporary, [header, payload])
      await this.#moveIn(temporary, this.#layout.objectFolder(key.objectId), this.#layout.sliceFile(key))
      if (purges !== this.#purges) return void (await rm(this.#layout.sliceFile(key), { force: true }))
      this.#eviction.add({ key, bytes, storedAtMs, touchedAtMs: Date.now() })
      this.#index.add('disk', key, bytes)
    } catch (error) {
      await unlink(temporary).catch(() => {})
      if (!(await this.#wentWithPurge(error, purges))) await this.#couldNotWrite(error)
    }
  }

  /** The record of an object; null where there is none that can be read. Never rejects. */
  async readRecord(objectId: string): Promise<ObjectRecord | null> {
    try {
      return parseRecord(await readFile(this.#layout.recordFile(objectId), 'utf8'), objectId)
    } catch (error) {
      if (!isCode(error, 'ENOENT')) this.#failed('read', error)
      return null
    }
  }

  /** Never rejects. */
  async writeRecord(record: ObjectRecord): Promise<void> {
    if (!this.takesWrites) return
    const purges = this.#purges
    const temporary = join(this.#layout.temporary, randomUUID())
    const file = this.#layout.recordFile(record.objectId)
    try {
      await writeNewFile(temporary, [Buffer.from(JSON.stringify(record))])
      await this.#moveIn(temporary, this.#layout.objectFolder(record.objectId), file)
      if (purges !== this.#purges) await rm(file, { force: true })
    } catch (error) {
      await unlink(temporary).catch(() => {})
      if (!(await this.#wentWithPurge(error, purges))) await this.#couldNotWrite(error)
    }
  }

  /** Removes the slices of an object that are not of this version. Never rejects. */
  async dropOtherVersions(objectId: string, version: string): Promise<void> {
    for (const key of this.#index.slicesOf(objectId, 'disk', version)) await this.#remove(key)
  }

  /** Removes the record of an object without slices. */
  async forgetObject(objectId: string): Promise<void> {
    await rm(this.#layout.objectFolder(objectId), { recursive: true, force: true }).catch(() => {})
    this.#folders.delete(this.#layout.objectFolder(objectId))
  }

  /**
   * Removes whole folders, so what is in them is gone whether it was known or not. A folder is first moved out of sight, which takes no
   * time, then emptied. Rejects where it could not be moved: then it may still be there.
   */
  async purge(target: { readonly objectId: string } | { readonly scope: string } | 'all'): Promise<void> {
    this.#purges++
    this.#usesSavedMs = Number.NEGATIVE_INFINITY
    const folder =
      target === 'all'
        ? this.#layout.entries
        : 'scope' in target
          ? this.#layout.scopeFolder(target.scope)
          : this.#layout.objectFolder(target.objectId)
    const ids =
      target !== 'all' && 'objectId' in target
        ? [target.objectId]
        : this.#index.idsOf(target === 'all' ? null : target.scope)
    for (const objectId of ids) for (const key of this.#index.slicesOf(objectId, 'disk')) this.#forgetEntry(key)
    if (target === 'all') this.#folders.clear()
    for (const known of this.#folders) if (known.startsWith(folder)) this.#folders.delete(known)
    const away = join(this.#layout.temporary, randomUUID())
    const moved = this.#purging.then(async () => {
      await rename(folder, away).catch((error) => {
        if (!isCode(error, 'ENOENT')) throw error
      })
      // What was written while the folder was on its way may have gone with it.
      this.#purges++
    })
    this.#purging = moved.catch(() => {})
    await moved
    await rm(away, { recursive: true, force: true }).catch((error) => this.#failed('empty', error))
  }

  /** The id of the last purge that was applied to this folder; null where none ever was. */
  async purgedUpTo(): Promise<bigint | null> {
    const text = await readFile(this.#layout.purgedFile, 'utf8').catch(() => '')
    return /^\d{1,19}$/.test(text) ? BigInt(text) : null
  }

  /** Rejects where it cannot be written: the purge is then applied again, which does no harm. */
  async markPurged(id: bigint): Promise<void> {
    await replaceFile(this.#layout, this.#layout.purgedFile, String(id))
  }

  /** Removes what is past its TTL, a part of the tier at each call. */
  async removeExpired(): Promise<void> {
    if (performance.now() - this.#usesSavedMs > SAVE_USES_EVERY_MS) await this.#saveUses()
    for (const { key } of this.#eviction.expiredStep(Date.now())) {
      this.expired++
      await this.#remove(key)
    }
  }

  async close(): Promise<void> {
    // A sweep that is cut off does not know all uses: those of the time before stay.
    if (this.#isSwept) await this.#saveUses()
    this.#closing.abort()
    await this.#swept
    await leaveDiskFolder(this.#layout).catch(() => {})
  }

  async #sweep(): Promise<void> {
    const startedMs = performance.now()
    let purges: number
    let found: Swept | null
    do {
      purges = this.#purges
      found = await sweep(this.#layout, this.#closing.signal).catch(async (error) => {
        if (await this.#wentWithPurge(error, purges)) return null
        throw error
      })
      if (this.#closing.signal.aborted) break
      // A purge in between took away some of what was found, so it is looked for again.
    } while (!found || purges !== this.#purges)
    if (!found) return
    const older = found.entries.filter(({ key }) => !this.#eviction.has(key))
    this.#eviction.addOldest(older)
    const saved = parseUses(await readFile(this.#layout.usesFile, 'utf8').catch(() => ''))
    const uses = usesBefore(saved, found)
    const remember = (objectId: string) => {
      const use = uses.get(objectId)
      if (use) this.#index.remember(objectId, use)
      uses.delete(objectId)
    }
    for (const { key, bytes } of older) {
      remember(key.objectId)
      this.#index.add('disk', key, bytes)
    }
    for (const record of found.records) {
      remember(record.objectId)
      this.#index.of(record.objectId).record ??= record
    }
    this.#isSwept = true
    await this.#evict(0)
    this.#log.info(
      { slices: found.entries.length, removed: found.removed, ms: Math.round(performance.now() - startedMs) },
      'the disk tier of the slice cache was looked through',
    )
  }

  /** Figures of a page, so one that cannot be written is left out. */
  async #saveUses(): Promise<void> {
    this.#usesSavedMs = performance.now()
    if (!this.#isSwept || !this.takesWrites) return
    await replaceFile(this.#layout, this.#layout.usesFile, formatUses(this.#index.objects())).catch(() => {})
  }

  async #moveIn(temporary: string, folder: string, file: string): Promise<void> {
    if (!this.#folders.has(folder)) await mkdir(folder, { recursive: true })
    try {
      await rename(temporary, file)
    } catch (error) {
      // A purge took the folder away in the meantime.
      if (!isCode(error, 'ENOENT')) throw error
      await mkdir(folder, { recursive: true })
      await rename(temporary, file)
    }
    this.#folders.add(folder)
    if (this.#folders.size > 10_000) this.#folders.clear()
  }

  /** Whether a file or folder is missing because a purge since `purges` took it away: that is no failure of the disk. */
  async #wentWithPurge(error: unknown, purges: number): Promise<boolean> {
    // Making a folder below one that just went says ENOTDIR.
    if (!isCode(error, 'ENOENT', 'ENOTDIR')) return false
    await this.#purging
    return purges !== this.#purges
  }

  async #evict(moreBytes: number): Promise<void> {
    for (const { key } of [...this.#eviction.surplus(moreBytes)]) {
      this.evictions++
      await this.#remove(key)
    }
  }

  async #couldNotWrite(error: unknown): Promise<void> {
    this.#failed('write', error)
    this.#pausedUntilMs = performance.now() + PAUSE_MS
    if (!isCode(error, 'ENOSPC', 'EDQUOT')) return
    const bytesToFree = Math.ceil(this.#eviction.bytes * FULL_SHARE)
    for (const { key } of [...this.#eviction.surplus(this.maxBytes - this.bytes + bytesToFree)]) {
      this.evictions++
      await this.#remove(key)
    }
  }

  async #remove(key: SliceKey): Promise<void> {
    this.#forgetEntry(key)
    await unlink(this.#layout.sliceFile(key)).catch(() => {})
  }

  #forgetEntry(key: SliceKey): void {
    this.#eviction.remove(key)
    this.#index.remove('disk', key)
  }

  #failed(what: string, error: unknown): void {
    this.errors++
    const reason = (error as NodeJS.ErrnoException)?.code ?? 'unknown'
    if (this.errors === 1 || this.errors % 1000 === 0)
      this.#log.warn(
        { reason, errors: this.errors },
        `The disk tier of the slice cache could not ${what}; going on without it.`,
      )
  }
}
