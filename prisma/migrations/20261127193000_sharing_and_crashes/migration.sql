-- AlterTable: how often engines that worked on a transfer died since a part of it was finished.
ALTER TABLE "Transfer" ADD COLUMN "crashes" INTEGER NOT NULL DEFAULT 0;

-- AlterTable: when an engine last found nothing free although others have work: they give it some of theirs.
ALTER TABLE "Engine" ADD COLUMN "wantsWorkAt" TIMESTAMPTZ(3);
