/** Binary units, as every size in Sluice is shown: 1 KiB = 1,024 bytes. */
export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB
export const TIB = 1024 * GIB

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A byte count as number and unit apart, so that a page can dim the unit: `4.4` and `GiB`. */
export function splitBytes(bytes: number): { value: string; unit: string } {
  let index = 0
  let value = bytes
  while (value >= 1000 && index < UNITS.length - 1) {
    value /= 1024
    index++
  }
  const digits = index === 0 || value >= 100 ? (value < 1000 && index > 0 ? 1 : 0) : value >= 10 ? 1 : 2
  return { value: value.toFixed(digits), unit: UNITS[index] ?? 'B' }
}

/** A byte count as people read it: `4.40 GiB`. */
export function formatBytes(bytes: number): string {
  const { value, unit } = splitBytes(bytes)
  return `${value} ${unit}`
}

/** A rate as people read it: `412.6 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

const PATTERN = /^\s*(\d+(?:\.\d+)?)\s*(b|kib|mib|gib|tib|k|m|g|t|kb|mb|gb|tb)?\s*$/i
const FACTORS: Record<string, number> = { b: 1, k: KIB, m: MIB, g: GIB, t: TIB }

/**
 * Reads `128MiB`, `1.5 GiB` or plain bytes. `MB` and `GB` mean MiB and GiB, as everywhere in Sluice.
 * Returns null where the text is no size.
 */
export function parseBytes(text: string): number | null {
  const match = PATTERN.exec(text)
  if (!match?.[1]) return null
  const factor = FACTORS[(match[2] ?? 'b').toLowerCase().charAt(0)] ?? 1
  return Math.round(Number(match[1]) * factor)
}
