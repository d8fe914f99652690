-- AlterTable: what was wrong when a bucket was tested last. Null where that test passed, or there was none.
ALTER TABLE "Bucket" ADD COLUMN "testFailure" JSONB;
