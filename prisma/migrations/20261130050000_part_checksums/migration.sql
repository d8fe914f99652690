-- AlterTable: checksums of a part besides its CRC32C, where somebody gave one to compare the whole with. Null in all others.
ALTER TABLE "Part" ADD COLUMN "checksums" JSONB;
