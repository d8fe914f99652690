-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "TransferStatus" AS ENUM ('queued', 'running', 'verifying', 'completed', 'paused', 'failed', 'cancelled');

-- CreateTable
CREATE TABLE "Transfer" (
    "id" UUID NOT NULL,
    "status" "TransferStatus" NOT NULL DEFAULT 'queued',
    "sourceUrlSealed" TEXT NOT NULL,
    "sourceUrl" TEXT NOT NULL,
    "sourceHost" TEXT NOT NULL,
    "sourceHeadersSealed" TEXT,
    "bucketId" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "ifExists" TEXT NOT NULL DEFAULT 'fail',
    "partSizing" TEXT NOT NULL DEFAULT 'auto',
    "wantedPartSizeBytes" BIGINT,
    "wantedLanes" INTEGER,
    "bandwidthLimitBytesPerSecond" BIGINT,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "expectedChecksum" JSONB,
    "startAt" TIMESTAMPTZ(3),
    "cancelRequestedAt" TIMESTAMPTZ(3),
    "sizeBytes" BIGINT,
    "etag" TEXT,
    "lastModified" TEXT,
    "acceptsRanges" BOOLEAN,
    "contentType" TEXT,
    "partSizeBytes" BIGINT,
    "sliceSizeBytes" BIGINT,
    "partsTotal" INTEGER,
    "uploadId" TEXT,
    "writeToken" TEXT,
    "doneBytes" BIGINT NOT NULL DEFAULT 0,
    "partsDone" INTEGER NOT NULL DEFAULT 0,
    "live" JSONB NOT NULL DEFAULT '{}',
    "metrics" JSONB NOT NULL DEFAULT '{}',
    "completingSince" TIMESTAMPTZ(3),
    "completionEpoch" INTEGER NOT NULL DEFAULT 0,
    "completionEngineId" UUID,
    "completionLeaseUntil" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "nextRunAt" TIMESTAMPTZ(3),
    "failure" JSONB,
    "warnings" JSONB NOT NULL DEFAULT '[]',
    "verification" JSONB,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMPTZ(3),
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Transfer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Part" (
    "transferId" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "etag" TEXT NOT NULL,
    "crc32c" TEXT,
    "engineId" UUID,
    "retries" INTEGER NOT NULL DEFAULT 0,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "finishedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Part_pkey" PRIMARY KEY ("transferId","number")
);

-- CreateTable
CREATE TABLE "PartClaim" (
    "id" UUID NOT NULL,
    "transferId" UUID NOT NULL,
    "firstPart" INTEGER NOT NULL,
    "lastPart" INTEGER NOT NULL,
    "engineId" UUID,
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "leaseUntil" TIMESTAMPTZ(3),

    CONSTRAINT "PartClaim_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Bucket" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "region" TEXT NOT NULL,
    "bucket" TEXT NOT NULL,
    "accessKeyIdSealed" TEXT NOT NULL,
    "secretAccessKeySealed" TEXT NOT NULL,
    "accessKeyIdHint" TEXT NOT NULL,
    "forcePathStyle" BOOLEAN NOT NULL,
    "prefix" TEXT NOT NULL DEFAULT '',
    "embedded" BOOLEAN NOT NULL DEFAULT false,
    "capabilities" JSONB,
    "testedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Bucket_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Origin" (
    "id" UUID NOT NULL,
    "baseUrl" TEXT NOT NULL,
    "name" TEXT,
    "headersSealed" TEXT,
    "access" TEXT,
    "ttlSeconds" INTEGER,
    "learnedLanes" INTEGER,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Origin_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Sample" (
    "id" BIGSERIAL NOT NULL,
    "transferId" UUID NOT NULL,
    "engineId" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "durationMs" INTEGER NOT NULL,
    "sourceBytes" BIGINT NOT NULL,
    "bucketBytes" BIGINT NOT NULL,
    "cacheBytes" BIGINT NOT NULL DEFAULT 0,
    "bufferedBytes" BIGINT NOT NULL,
    "readLanes" INTEGER NOT NULL,
    "uploadLanes" INTEGER NOT NULL,
    "retries" INTEGER NOT NULL,

    CONSTRAINT "Sample_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Event" (
    "id" BIGSERIAL NOT NULL,
    "transferId" UUID NOT NULL,
    "engineId" UUID,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "level" TEXT NOT NULL DEFAULT 'info',
    "code" TEXT NOT NULL,
    "message" TEXT NOT NULL,

    CONSTRAINT "Event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Inspection" (
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "input" TEXT NOT NULL,
    "engineId" UUID,
    "claimedAt" TIMESTAMPTZ(3),
    "result" JSONB,
    "failure" JSONB,
    "answeredAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Inspection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Engine" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "url" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "heartbeatAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stoppedAt" TIMESTAMPTZ(3),
    "stats" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "Engine_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApiToken" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lastUsedAt" TIMESTAMPTZ(3),
    "expiresAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApiToken_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Transfer_status_createdAt_idx" ON "Transfer"("status", "createdAt" DESC);

-- CreateIndex
CREATE INDEX "Transfer_createdAt_idx" ON "Transfer"("createdAt" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "PartClaim_transferId_firstPart_key" ON "PartClaim"("transferId", "firstPart");

-- CreateIndex
CREATE UNIQUE INDEX "Bucket_name_key" ON "Bucket"("name");

-- CreateIndex
CREATE UNIQUE INDEX "Origin_baseUrl_key" ON "Origin"("baseUrl");

-- CreateIndex
CREATE UNIQUE INDEX "Origin_name_key" ON "Origin"("name");

-- CreateIndex
CREATE INDEX "Sample_transferId_id_idx" ON "Sample"("transferId", "id");

-- CreateIndex
CREATE INDEX "Event_transferId_id_idx" ON "Event"("transferId", "id");

-- CreateIndex
CREATE INDEX "Inspection_answeredAt_createdAt_idx" ON "Inspection"("answeredAt", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "ApiToken_hash_key" ON "ApiToken"("hash");

-- AddForeignKey
ALTER TABLE "Transfer" ADD CONSTRAINT "Transfer_bucketId_fkey" FOREIGN KEY ("bucketId") REFERENCES "Bucket"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Part" ADD CONSTRAINT "Part_transferId_fkey" FOREIGN KEY ("transferId") REFERENCES "Transfer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PartClaim" ADD CONSTRAINT "PartClaim_transferId_fkey" FOREIGN KEY ("transferId") REFERENCES "Transfer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Sample" ADD CONSTRAINT "Sample_transferId_fkey" FOREIGN KEY ("transferId") REFERENCES "Transfer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Event" ADD CONSTRAINT "Event_transferId_fkey" FOREIGN KEY ("transferId") REFERENCES "Transfer"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- Lease renewals and progress stay HOT updates: room on the page, and no index on a column they write.
ALTER TABLE "PartClaim" SET (fillfactor = 80);
ALTER TABLE "Transfer" SET (fillfactor = 80);
ALTER TABLE "Engine" SET (fillfactor = 50);

-- The claim loop asks only for transfers that can still have work.
CREATE INDEX "Transfer_claimable_idx" ON "Transfer"("priority" DESC, "createdAt") WHERE "status" IN ('queued', 'running', 'verifying');
