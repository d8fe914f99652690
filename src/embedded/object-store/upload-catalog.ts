import { type Catalog, type Row, toAlgorithm, toBytes } from './catalog.ts'
import type { ChecksumType, StoredObject, StoredPart, StoredUpload } from './stored-object.ts'

/** How long a finished upload is remembered, so that a repeated Complete gets the answer of the first. */
const COMPLETED_KEPT_MS = 7 * 24 * 3_600_000

/** Multipart uploads and their parts, in the catalog's file. Synchronous, like Catalog. */
export class UploadCatalog {
  readonly #catalog: Catalog

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  create(upload: Omit<StoredUpload, 'completed'>): void {
    this.#catalog
      .sql(
        `INSERT INTO uploads (id, bucket, key, initiated_ms, headers, metadata, checksum_algorithm, checksum_type)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        upload.id,
        upload.bucket,
        Buffer.from(upload.key),
        upload.initiatedMs,
        JSON.stringify(upload.headers),
        JSON.stringify(upload.metadata),
        upload.checksumAlgorithm,
        upload.checksumType,
      )
  }

  /** The upload with this id at this key, finished ones included; null where there is none. */
  find(bucket: string, key: string, id: string): StoredUpload | null {
    const row = this.#catalog
      .sql('SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?')
      .get(id, bucket, Buffer.from(key))
    return row ? toUpload(row) : null
  }

  /** Up to `limit` unfinished uploads of a bucket behind (key, id), ordered by key and id. */
  after(bucket: string, key: Buffer, id: string, before: Buffer | null, limit: number): StoredUpload[] {
    const rows = this.#catalog
      .sql(
        `SELECT * FROM uploads WHERE bucket = ?1 AND completed_ms IS NULL AND (key, id) > (?2, ?3)
         AND (?4 IS NULL OR key < ?4) ORDER BY key, id LIMIT ?5`,
      )
      .all(bucket, key, id, before, limit)
    return rows.map(toUpload)
  }

  /** Writes a part in place of one of the same number; returns the blobs nobody needs any more. */
  putPart(uploadId: string, part: StoredPart): string[] {
    return this.#catalog.transaction(() => {
      const old = this.#catalog
        .sql('SELECT blob FROM parts WHERE upload_id = ? AND number = ? AND blob IS NOT NULL')
        .get(uploadId, part.number)
      if (part.blobId) this.#catalog.retainBlobs([part.blobId])
      this.#catalog
        .sql(
          'INSERT OR REPLACE INTO parts (upload_id, number, size, etag, modified_ms, checksums, blob) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(
          uploadId,
          part.number,
          part.sizeBytes,
          part.etag,
          part.modifiedMs,
          JSON.stringify(part.checksums),
          part.blobId,
        )
      return old ? this.#catalog.releaseBlobs([String(old.blob)]) : []
    })
  }

  /** Up to `limit` parts with a number above `after`, in order. */
  parts(uploadId: string, after: number, limit: number): StoredPart[] {
    const rows = this.#catalog
      .sql('SELECT * FROM parts WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?')
      .all(uploadId, after, limit)
    return rows.map((row) => ({
      number: Number(row.number),
      sizeBytes: Number(row.size),
      etag: String(row.etag),
      modifiedMs: Number(row.modified_ms),
      checksums: JSON.parse(String(row.checksums)),
      blobId: row.blob === null ? null : String(row.blob),
    }))
  }

  /** Forgets the upload and its parts; returns the blobs nobody needs any more. */
  abort(uploadId: string): string[] {
    return this.#catalog.transaction(() => {
      const unused = this.#catalog.releaseBlobs(this.#partBlobs(uploadId))
      this.#forgetParts(uploadId)
      this.#catalog.sql('DELETE FROM uploads WHERE id = ?').run(uploadId)
      return unused
    })
  }

  /**
   * Makes the object out of the parts' blobs where they lie: one transaction, whatever the size. Parts that the object does
   * not list are dropped. Remembers `completed` for a repeated Complete. Returns the blobs nobody needs any more.
   */
  complete(upload: StoredUpload, object: StoredObject, completed: { parts: string; result: string }): string[] {
    return this.#catalog.transaction(() => {
      const used = new Set(object.blobs.map((blob) => blob.id))
      const unused = this.#catalog.releaseBlobs(this.#partBlobs(upload.id).filter((id) => !used.has(id)))
      unused.push(...this.#catalog.replaceObject(upload.bucket, object))
      this.#forgetParts(upload.id)
      this.#catalog
        .sql('UPDATE uploads SET completed_ms = ?, completed_parts = ?, completed_result = ? WHERE id = ?')
        .run(Date.now(), completed.parts, completed.result, upload.id)
      return unused
    })
  }

  /** Forgets uploads that were finished long ago. */
  forgetOldCompleted(): void {
    this.#catalog.sql('DELETE FROM uploads WHERE completed_ms < ?').run(Date.now() - COMPLETED_KEPT_MS)
  }

  #partBlobs(uploadId: string): string[] {
    const rows = this.#catalog.sql('SELECT blob FROM parts WHERE upload_id = ? AND blob IS NOT NULL').all(uploadId)
    return rows.map((row) => String(row.blob))
  }

  #forgetParts(uploadId: string): void {
    this.#catalog.sql('DELETE FROM parts WHERE upload_id = ?').run(uploadId)
  }
}

function toUpload(row: Row): StoredUpload {
  return {
    id: String(row.id),
    bucket: String(row.bucket),
    key: toBytes(row.key).toString(),
    initiatedMs: Number(row.initiated_ms),
    headers: JSON.parse(String(row.headers)),
    metadata: JSON.parse(String(row.metadata)),
    checksumAlgorithm: toAlgorithm(row.checksum_algorithm),
    checksumType: (row.checksum_type as ChecksumType | null) ?? null,
    completed:
      row.completed_ms === null ? null : { parts: String(row.completed_parts), result: String(row.completed_result) },
  }
}
