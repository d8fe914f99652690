-- AlterTable
ALTER TABLE "Engine" ADD COLUMN     "machine" TEXT,
ADD COLUMN     "process" TEXT;
