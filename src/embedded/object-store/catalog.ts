import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { CATALOG_SCHEMA } from './catalog-schema.ts'
import type { ChecksumAlgorithm, ChecksumType, ListedObject, ObjectBlob, StoredObject } from './stored-object.ts'

export type Row = Record<string, SQLOutputValue>

/**
 * What is in the store: buckets, objects, uploads, parts, and how often each file of bytes is used. One SQLite file in
 * WAL mode; every change is one transaction, on disk when the call returns (synchronous=FULL). All calls are synchronous,
 * so what a handler checks and then writes without an await between cannot be overtaken.
 */
export class Catalog {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** Opens or makes the file. Throws where another process has it open. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path)
    this.#db.exec('PRAGMA locking_mode = EXCLUSIVE')
    this.#db.exec('PRAGMA journal_mode = WAL')
    this.#db.exec('PRAGMA synchronous = FULL')
    this.#db.exec('BEGIN IMMEDIATE')
    this.#db.exec(CATALOG_SCHEMA)
    this.#db.exec('COMMIT')
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }

  /** The statement for `sql`, compiled once. */
  sql(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** Runs `change` as one transaction: all of it or, when it throws, nothing. */
  transaction<T>(change: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = change()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite has rolled back by itself where the disk was full.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  buckets(): { name: string; createdMs: number }[] {
    const rows = this.sql('SELECT name, created_ms FROM buckets ORDER BY name').all()
    return rows.map((row) => ({ name: String(row.name), createdMs: Number(row.created_ms) }))
  }

  hasBucket(name: string): boolean {
    return this.sql('SELECT 1 FROM buckets WHERE name = ?').get(name) !== undefined
  }

  /** True where it was made, false where it was there. */
  createBucket(name: string): boolean {
    const made = this.sql('INSERT OR IGNORE INTO buckets (name, created_ms) VALUES (?, ?)').run(name, Date.now())
    return made.changes === 1
  }

  bucketIsEmpty(name: string): boolean {
    return this.sql('SELECT 1 FROM objects WHERE bucket = ? LIMIT 1').get(name) === undefined
  }

  /** Removes an empty bucket and its unfinished uploads; returns the blobs nobody needs any more. */
  deleteBucket(name: string): string[] {
    return this.transaction(() => {
      const parts = this.sql(
        'SELECT blob FROM parts JOIN uploads ON uploads.id = parts.upload_id WHERE bucket = ? AND blob IS NOT NULL',
      ).all(name)
      const unused = this.releaseBlobs(parts.map((row) => String(row.blob)))
      this.sql('DELETE FROM parts WHERE upload_id IN (SELECT id FROM uploads WHERE bucket = ?)').run(name)
      this.sql('DELETE FROM uploads WHERE bucket = ?').run(name)
      this.sql('DELETE FROM buckets WHERE name = ?').run(name)
      return unused
    })
  }

  object(bucket: string, key: string): StoredObject | null {
    const row = this.sql('SELECT * FROM objects WHERE bucket = ? AND key = ?').get(bucket, Buffer.from(key))
    return row ? toObject(key, row) : null
  }

  /** Writes the object in place of what was at its key and counts its blobs as used; returns the blobs nobody needs any more. */
  putObject(bucket: string, object: StoredObject): string[] {
    return this.transaction(() => {
      this.retainBlobs(object.blobs.map((blob) => blob.id))
      return this.replaceObject(bucket, object)
    })
  }

  /** The same inside a transaction, with blobs that are counted already. */
  replaceObject(bucket: string, object: StoredObject): string[] {
    const key = Buffer.from(object.key)
    const old = this.sql('SELECT blobs FROM objects WHERE bucket = ? AND key = ?').get(bucket, key)
    const unused = old ? this.releaseBlobs(toBlobs(old.blobs).map((blob) => blob.id)) : []
    this.sql(
      `INSERT OR REPLACE INTO objects (bucket, key, size, etag, modified_ms, headers, metadata, checksums, checksum_type,
        parts_count, blobs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      bucket,
      key,
      object.sizeBytes,
      object.etag,
      object.modifiedMs,
      JSON.stringify(object.headers),
      JSON.stringify(object.metadata),
      JSON.stringify(object.checksums),
      object.checksumType,
      object.partsCount,
      JSON.stringify(object.blobs),
    )
    return unused
  }

  /** Removes the object if it is there; returns the blobs nobody needs any more. */
  deleteObject(bucket: string, key: string): string[] {
    return this.transaction(() => {
      const bytes = Buffer.from(key)
      const old = this.sql('SELECT blobs FROM objects WHERE bucket = ? AND key = ?').get(bucket, bytes)
      if (!old) return []
      this.sql('DELETE FROM objects WHERE bucket = ? AND key = ?').run(bucket, bytes)
      return this.releaseBlobs(toBlobs(old.blobs).map((blob) => blob.id))
    })
  }

  /** Up to `limit` objects with `from` <= key < `before`, in the order of their bytes. */
  objectsFrom(bucket: string, from: Buffer, before: Buffer | null, limit: number): ListedObject[] {
    const columns = 'SELECT key, size, etag, modified_ms, checksums, checksum_type FROM objects'
    const rows = before
      ? this.sql(`${columns} WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?`).all(
          bucket,
          from,
          before,
          limit,
        )
      : this.sql(`${columns} WHERE bucket = ? AND key >= ? ORDER BY key LIMIT ?`).all(bucket, from, limit)
    return rows.map((row) => ({
      key: toBytes(row.key),
      sizeBytes: Number(row.size),
      etag: String(row.etag),
      modifiedMs: Number(row.modified_ms),
      checksums: JSON.parse(String(row.checksums)),
      checksumType: (row.checksum_type as ChecksumType | null) ?? null,
    }))
  }

  /** Counts one more use of each blob. Inside a transaction. */
  retainBlobs(ids: readonly string[]): void {
    const retain = this.sql('INSERT INTO blobs (id, refs) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET refs = refs + 1')
    // A part without bytes has no file, and '' for an id.
    for (const id of ids) if (id !== '') retain.run(id)
  }

  /** Counts one use less of each blob; returns those that had their last. Inside a transaction. */
  releaseBlobs(ids: readonly string[]): string[] {
    const unused: string[] = []
    for (const id of ids) {
      if (id === '') continue
      const row = this.sql('UPDATE blobs SET refs = refs - 1 WHERE id = ? RETURNING refs').get(id)
      if (!row || Number(row.refs) > 0) continue
      this.sql('DELETE FROM blobs WHERE id = ?').run(id)
      unused.push(id)
    }
    return unused
  }

  /** Every blob that is in use: what is on disk beside these is left from a crash. */
  blobIds(): Set<string> {
    return new Set(
      this.sql('SELECT id FROM blobs')
        .all()
        .map((row) => String(row.id)),
    )
  }
}

export function toBytes(value: SQLOutputValue | undefined): Buffer {
  if (!(value instanceof Uint8Array)) throw new Error('The catalog holds a key that is not bytes.')
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

export function toAlgorithm(value: SQLOutputValue | undefined): ChecksumAlgorithm | null {
  return typeof value === 'string' ? (value as ChecksumAlgorithm) : null
}

function toBlobs(value: SQLOutputValue | undefined): ObjectBlob[] {
  return JSON.parse(String(value))
}

function toObject(key: string, row: Row): StoredObject {
  return {
    key,
    sizeBytes: Number(row.size),
    etag: String(row.etag),
    modifiedMs: Number(row.modified_ms),
    headers: JSON.parse(String(row.headers)),
    metadata: JSON.parse(String(row.metadata)),
    checksums: JSON.parse(String(row.checksums)),
    checksumType: (row.checksum_type as ChecksumType | null) ?? null,
    partsCount: row.parts_count === null ? null : Number(row.parts_count),
    blobs: toBlobs(row.blobs),
  }
}
