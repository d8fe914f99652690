-- AlterTable: without a choice of its own a transfer follows SLUICE_PART_SIZING of the engine that plans it.
ALTER TABLE "Transfer" ALTER COLUMN "partSizing" DROP NOT NULL,
ALTER COLUMN "partSizing" DROP DEFAULT;
