-- AlterTable: what a user says about a source, what the source and the read bytes say about themselves, and an upload that is being started.
ALTER TABLE "Transfer" ADD COLUMN "trustLengthAndDate" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "oneTimeLink" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "sourceDigests" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN "readDigests" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN "reread" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "uploadStartingAt" TIMESTAMPTZ(3);
