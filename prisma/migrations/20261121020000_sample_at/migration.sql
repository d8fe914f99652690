-- The overview adds up the last hour and the day of all transfers; samples lie on disk in the order of their time, which is what BRIN is for.
CREATE INDEX "Sample_at_idx" ON "Sample" USING BRIN ("at");
