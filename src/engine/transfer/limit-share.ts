/**
 * What one engine may read of a transfer's bandwidth limit: an equal share of it, because the limit is the transfer's and not
 * each engine's. Null is no limit. `engines` are those that hold claims on it, this one included; read anew with each flush,
 * so that after one joins or dies the sum is right again within a second.
 */
export function shareOfLimit(bytesPerSecond: number | bigint | null, engines: number): number | null {
  if (bytesPerSecond === null) return null
  return Math.max(1, Math.floor(Number(bytesPerSecond) / Math.max(1, engines)))
}
