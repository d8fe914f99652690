import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes gathered before a write: large enough that a write costs little, small enough that many uploads stay flat. */
const WRITE_BYTES = 1024 * 1024
/** Bytes after which the disk is asked to take what is written, so that the sync at the end of a large part is short. */
const SYNC_BYTES = 32 * 1024 * 1024

/**
 * The bytes of objects and parts, in files named by random ids (`blobs/ab/abcdef…`), never by keys. A file appears whole:
 * written in `tmp/`, synced, renamed, its folder synced. It then never changes until it is removed.
 */
export class BlobFiles {
  readonly #blobsDir: string
  readonly #tmpDir: string
  readonly #readers = new Map<string, number>()
  readonly #doomed = new Set<string>()

  constructor(dir: string) {
    this.#blobsDir = join(dir, 'blobs')
    this.#tmpDir = join(dir, 'tmp')
    mkdirSync(this.#tmpDir, { recursive: true, mode: 0o700 })
    // All 256 folders exist from the start, so that no write has to make one and sync its parent.
    for (let index = 0; index < 256; index++)
      mkdirSync(join(this.#blobsDir, index.toString(16).padStart(2, '0')), { recursive: true, mode: 0o700 })
  }

  /** Removes what a crash left: temporary files, and files that the catalog does not know. Returns how many. */
  sweep(known: ReadonlySet<string>): number {
    let swept = 0
    for (const name of readdirSync(this.#tmpDir)) {
      rmSync(join(this.#tmpDir, name), { force: true, recursive: true })
      swept++
    }
    for (const folder of readdirSync(this.#blobsDir))
      for (const name of readdirSync(join(this.#blobsDir, folder)))
        if (!known.has(name)) {
          rmSync(join(this.#blobsDir, folder, name), { force: true })
          swept++
        }
    return swept
  }

  /** Begins a file. Nothing is on disk until the first byte comes; `keep` or `discard` ends it. */
  create(): BlobWriter {
    const id = randomBytes(16).toString('hex')
    return new BlobWriter(id, join(this.#tmpDir, id), this.#path(id), join(this.#blobsDir, id.slice(0, 2)))
  }

  /** Protects blobs from removal while they are read; call the result once when done. */
  pin(ids: readonly string[]): () => void {
    for (const id of ids) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1)
    return () => {
      for (const id of ids) {
        const left = (this.#readers.get(id) ?? 1) - 1
        if (left > 0) this.#readers.set(id, left)
        else {
          this.#readers.delete(id)
          if (this.#doomed.delete(id)) void this.#remove(id)
        }
      }
    }
  }

  open(id: string): Promise<FileHandle> {
    return open(this.#path(id), 'r')
  }

  /** Removes files that the catalog has let go, those being read once their readers are done. */
  async remove(ids: readonly string[]): Promise<void> {
    const free = ids.filter((id) => !this.#readers.has(id))
    for (const id of ids) if (this.#readers.has(id)) this.#doomed.add(id)
    for (const id of free) await this.#remove(id)
  }

  // A file that cannot be removed now is removed by the sweep of the next start: the catalog does not know it.
  async #remove(id: string): Promise<void> {
    await rm(this.#path(id), { force: true }).catch(() => undefined)
  }

  #path(id: string): string {
    return join(this.#blobsDir, id.slice(0, 2), id)
  }
}

/**
 * Writes one blob. `write` takes a chunk without copying or waiting; when it says false, wait for `drained` before the
 * next one, so that memory stays flat however slow the disk is.
 */
export class BlobWriter {
  readonly id: string
  sizeBytes = 0
  readonly #temporary: string
  readonly #final: string
  readonly #folder: string
  #file: FileHandle | null = null
  #chunks: Uint8Array[] = []
  #pendingBytes = 0
  #writing: Promise<void> | null = null
  #unsyncedBytes = 0
  #syncing: Promise<void> | null = null
  #failure: unknown = null
  #adopted = false

  constructor(id: string, temporary: string, final: string, folder: string) {
    this.id = id
    this.#temporary = temporary
    this.#final = final
    this.#folder = folder
  }

  /** False where a write is under way and a further one is full: the caller then waits for `drained`. */
  write(chunk: Uint8Array): boolean {
    this.#chunks.push(chunk)
    this.#pendingBytes += chunk.length
    this.sizeBytes += chunk.length
    if (this.#pendingBytes < WRITE_BYTES) return true
    if (this.#writing) return false
    this.#writing = this.#flush()
    return true
  }

  /** Settles when the write under way is done. Throws what a write threw. */
  async drained(): Promise<void> {
    await this.#writing
    if (this.#failure) throw this.#failure
    if (this.#pendingBytes >= WRITE_BYTES) this.#writing = this.#flush()
  }

  /** Makes the file permanent under its id; null where no byte was written, since an empty blob needs no file. */
  async keep(): Promise<string | null> {
    await this.#writing
    if (!this.#failure && this.#pendingBytes > 0) await this.#flush()
    await this.#syncing
    if (this.#failure) throw this.#failure
    if (!this.#file) return null
    await this.#file.sync()
    await this.#file.close()
    this.#file = null
    await rename(this.#temporary, this.#final)
    await syncFolder(this.#folder)
    return this.id
  }

  /** The catalog knows the blob now: a later `discard` leaves it alone. */
  adopt(): void {
    this.#adopted = true
  }

  /** Removes what was written and not adopted. Never throws: it runs where something else has failed. */
  async discard(): Promise<void> {
    if (this.#adopted) return
    await this.#writing
    await this.#syncing
    await this.#file?.close().catch(() => undefined)
    this.#file = null
    await rm(this.#temporary, { force: true }).catch(() => undefined)
    await rm(this.#final, { force: true }).catch(() => undefined)
  }

  async #flush(): Promise<void> {
    const chunks = this.#chunks
    const bytes = this.#pendingBytes
    this.#chunks = []
    this.#pendingBytes = 0
    try {
      this.#file ??= await open(this.#temporary, 'wx', 0o600)
      const { bytesWritten } = await this.#file.writev(chunks)
      if (bytesWritten !== bytes) await this.#writeRest(chunks, bytesWritten)
      this.#unsyncedBytes += bytes
      if (this.#unsyncedBytes >= SYNC_BYTES) this.#syncing ??= this.#syncBehind(this.#file)
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#writing = null
    }
  }

  // Runs beside the writes. Its failure has to count: the kernel tells of a lost write once, and the last sync may not see it.
  async #syncBehind(file: FileHandle): Promise<void> {
    this.#unsyncedBytes = 0
    try {
      await file.datasync()
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#syncing = null
    }
  }

  // A writev may stop early (a nearly full disk, more chunks than one call takes): the rest follows chunk by chunk.
  async #writeRest(chunks: readonly Uint8Array[], written: number): Promise<void> {
    let skip = written
    for (const chunk of chunks) {
      if (skip >= chunk.length) {
        skip -= chunk.length
        continue
      }
      let from = skip
      skip = 0
      while (from < chunk.length) {
        const { bytesWritten } = (await this.#file?.write(chunk, from)) ?? { bytesWritten: 0 }
        if (bytesWritten === 0) throw new Error('The disk takes no more bytes.')
        from += bytesWritten
      }
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
