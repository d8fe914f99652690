/**
 * The tables of the catalog. Keys are BLOBs of UTF-8, so SQLite orders them by bytes, as S3 lists them. A blob is one
 * file of bytes that never changes; `refs` counts the objects and parts that consist of it.
 */
export const CATALOG_SCHEMA = `
CREATE TABLE IF NOT EXISTS buckets (
  name TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL,
  key BLOB NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  metadata TEXT NOT NULL,
  checksums TEXT NOT NULL,
  checksum_type TEXT,
  parts_count INTEGER,
  blobs TEXT NOT NULL,
  PRIMARY KEY (bucket, key)
);
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY,
  bucket TEXT NOT NULL,
  key BLOB NOT NULL,
  initiated_ms INTEGER NOT NULL,
  headers TEXT NOT NULL,
  metadata TEXT NOT NULL,
  checksum_algorithm TEXT,
  checksum_type TEXT,
  completed_ms INTEGER,
  completed_parts TEXT,
  completed_result TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id) WHERE completed_ms IS NULL;
CREATE TABLE IF NOT EXISTS parts (
  upload_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_ms INTEGER NOT NULL,
  checksums TEXT NOT NULL,
  blob TEXT,
  PRIMARY KEY (upload_id, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
  id TEXT PRIMARY KEY,
  refs INTEGER NOT NULL
) WITHOUT ROWID;
`
