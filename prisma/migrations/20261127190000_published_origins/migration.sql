-- What was learned of scheme, host and port stays in Origin; what is published has a table of its own (docs/decisions/010).
ALTER TABLE "Origin" DROP COLUMN "name", DROP COLUMN "headersSealed", DROP COLUMN "access", DROP COLUMN "ttlSeconds";

CREATE TABLE "PublishedOrigin" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "baseUrl" TEXT NOT NULL,
    "headersSealed" TEXT,
    "headerNames" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "access" TEXT NOT NULL,
    "ttlSeconds" INTEGER,
    "heuristicFreshness" BOOLEAN NOT NULL DEFAULT false,
    "sizeCapBytes" BIGINT,
    "lanes" INTEGER,
    "httpVersion" TEXT NOT NULL DEFAULT '1.1',
    "signingKeyId" TEXT NOT NULL,
    "signingKeySealed" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "PublishedOrigin_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "PublishedOrigin_name_key" ON "PublishedOrigin"("name");

-- Purges in the order they were asked for: ids are given out one transaction at a time (db/cache-purges.ts).
CREATE TABLE "CachePurge" (
    "id" BIGSERIAL NOT NULL,
    "target" JSONB NOT NULL,
    "requestedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "CachePurge_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "CachePurgeResult" (
    "purgeId" BIGINT NOT NULL,
    "engineId" UUID NOT NULL,
    "slices" INTEGER NOT NULL,
    "bytes" BIGINT NOT NULL,
    "appliedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "CachePurgeResult_pkey" PRIMARY KEY ("purgeId","engineId"),
    CONSTRAINT "CachePurgeResult_purgeId_fkey" FOREIGN KEY ("purgeId") REFERENCES "CachePurge"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "CacheSample" (
    "id" BIGSERIAL NOT NULL,
    "engineId" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "hits" INTEGER NOT NULL,
    "misses" INTEGER NOT NULL,
    "hitBytes" BIGINT NOT NULL,
    "storedBytes" BIGINT NOT NULL,
    "evictions" INTEGER NOT NULL,
    "memoryBytes" BIGINT NOT NULL,
    "diskBytes" BIGINT NOT NULL,

    CONSTRAINT "CacheSample_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "CacheSample_at_idx" ON "CacheSample" USING BRIN ("at");

-- A question of the web to one engine about what that engine alone knows.
CREATE TABLE "EngineQuestion" (
    "id" UUID NOT NULL,
    "engineId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "answer" JSONB,
    "answeredAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "EngineQuestion_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "EngineQuestion_engineId_answeredAt_idx" ON "EngineQuestion"("engineId", "answeredAt");
