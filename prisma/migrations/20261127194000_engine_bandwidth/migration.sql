-- A wish for an engine by its name, which outlives the process. A row without a number lifts the limit of the environment.
CREATE TABLE "EngineSetting" (
    "name" TEXT NOT NULL,
    "bandwidthLimitBytesPerSecond" BIGINT,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "EngineSetting_pkey" PRIMARY KEY ("name")
);
