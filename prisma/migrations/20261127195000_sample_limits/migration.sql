-- AlterTable: who held a second up, as the engine measured it. Null in samples that were written before.
ALTER TABLE "Sample" ADD COLUMN "bucketLimitMs" INTEGER,
ADD COLUMN "memoryLimitMs" INTEGER,
ADD COLUMN "processorLimitMs" INTEGER,
ADD COLUMN "rateLimitMs" INTEGER;
