/** The polynomial of CRC-64/NVME, reflected (NVM Express base specification, 64b CRC). */
export const CRC64NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n

/** Tables for eight bytes at once, low and high halves: entry `[table * 256 + byte]` is that byte moved on by `table` zero bytes. */
const { low: LOW, high: HIGH } = (() => {
  const low = new Uint32Array(8 * 256)
  const high = new Uint32Array(8 * 256)
  const set = (at: number, value: bigint) => {
    low[at] = Number(value & 0xffffffffn)
    high[at] = Number(value >> 32n)
  }
  const values: bigint[] = []
  for (let byte = 0n; byte < 256n; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ CRC64NVME_POLYNOMIAL : value >> 1n
    values.push(value)
    set(Number(byte), value)
  }
  for (let byte = 0; byte < 256; byte++) {
    let value = values[byte] as bigint
    for (let table = 1; table < 8; table++) {
      value = (value >> 8n) ^ (values[Number(value & 0xffn)] as bigint)
      set(table * 256 + byte, value)
    }
  }
  return { low, high }
})()

/**
 * The CRC-64/NVME of what went before (`0n` at the start) followed by the bytes, as S3 has it in x-amz-checksum-crc64nvme. Halves of 32 bits,
 * because a bigint for each byte would be a hundred times slower.
 */
export function updateCrc64nvme(bytes: Uint8Array, crc: bigint): bigint {
  let low = ~Number(crc & 0xffffffffn)
  let high = ~Number(crc >> 32n)
  const whole = bytes.length - (bytes.length % 8)
  let at = 0
  for (; at < whole; at += 8) {
    const a =
      low ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24))
    const b =
      high ^
      ((bytes[at + 4] as number) |
        ((bytes[at + 5] as number) << 8) |
        ((bytes[at + 6] as number) << 16) |
        ((bytes[at + 7] as number) << 24))
    const a0 = 1792 + (a & 0xff)
    const a1 = 1536 + ((a >>> 8) & 0xff)
    const a2 = 1280 + ((a >>> 16) & 0xff)
    const a3 = 1024 + (a >>> 24)
    const b0 = 768 + (b & 0xff)
    const b1 = 512 + ((b >>> 8) & 0xff)
    const b2 = 256 + ((b >>> 16) & 0xff)
    const b3 = b >>> 24
    low =
      (LOW[a0] as number) ^
      (LOW[a1] as number) ^
      (LOW[a2] as number) ^
      (LOW[a3] as number) ^
      (LOW[b0] as number) ^
      (LOW[b1] as number) ^
      (LOW[b2] as number) ^
      (LOW[b3] as number)
    high =
      (HIGH[a0] as number) ^
      (HIGH[a1] as number) ^
      (HIGH[a2] as number) ^
      (HIGH[a3] as number) ^
      (HIGH[b0] as number) ^
      (HIGH[b1] as number) ^
      (HIGH[b2] as number) ^
      (HIGH[b3] as number)
  }
  for (; at < bytes.length; at++) {
    const index = (low ^ (bytes[at] as number)) & 0xff
    low = ((low >>> 8) | (high << 24)) ^ (LOW[index] as number)
    high = (high >>> 8) ^ (HIGH[index] as number)
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)
}
