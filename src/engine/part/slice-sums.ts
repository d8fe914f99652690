import { appendCrc32c } from '../cache/append-crc32c.ts'
import { updateCrc32c } from '../cache/update-crc32c.ts'
import type { LinearAlgorithm, LinearChecksums } from './linear-checksum.ts'
import { LinearSums } from './linear-sums.ts'

/** CRC32Cs of slices that several parts have: computed once, by whoever has it first. Nobody writes to such a slice any more. */
const shared = new WeakMap<Uint8Array, number>()

/**
 * Running checksums of the slices of one part: a CRC32C always, others where somebody asked for them. Bytes are summed as they come,
 * while they are in the processor's caches, slices in any order.
 */
export class SliceSums {
  readonly #crcs: number[] = []
  readonly #summedBytes: number[] = []
  readonly #linear: LinearSums | null

  constructor(linear: readonly LinearAlgorithm[] = []) {
    this.#linear = linear.length > 0 ? new LinearSums(linear) : null
  }

  /** Bytes that begin `within` a slice. Of two that race for a slice, each byte is summed once, when it comes first. */
  add(index: number, within: number, piece: Uint8Array): void {
    const summed = this.#summedBytes[index] ?? 0
    if (within > summed || within + piece.length <= summed) return
    const fresh = within === summed ? piece : piece.subarray(summed - within)
    this.#crcs[index] = updateCrc32c(fresh, this.#crcs[index] ?? 0)
    this.#linear?.add(index, fresh)
    this.#summedBytes[index] = summed + fresh.length
  }

  /** A whole slice that others have too. */
  addShared(index: number, slice: Uint8Array): void {
    const crc = shared.get(slice) ?? updateCrc32c(slice, 0)
    shared.set(slice, crc)
    this.#crcs[index] = crc
    this.#linear?.addShared(index, slice)
    this.#summedBytes[index] = slice.length
  }

  /** How much of a slice is summed, and so is there without a gap. */
  summedBytes(index: number): number {
    return this.#summedBytes[index] ?? 0
  }

  /** CRC32C of what is there of one slice. */
  crc32cOf(index: number): number {
    return this.#crcs[index] ?? 0
  }

  /** CRC32C of all slices together, which have these lengths. */
  crc32c(sliceSizes: readonly number[]): number {
    let crc = 0
    for (const [index, bytes] of sliceSizes.entries()) crc = appendCrc32c(crc, this.crc32cOf(index), bytes)
    return crc
  }

  /** The other checksums of all slices together; null where none was asked for. */
  linearChecksums(sliceSizes: readonly number[]): LinearChecksums | null {
    return this.#linear?.total(sliceSizes) ?? null
  }
}
