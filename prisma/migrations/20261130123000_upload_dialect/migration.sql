-- AlterTable: how parts and Complete of an upload carry checksums. Null: an upload of before, which goes by what is known of its bucket.
ALTER TABLE "Transfer" ADD COLUMN "uploadDialect" JSONB;
