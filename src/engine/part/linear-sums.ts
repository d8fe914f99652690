import {
  appendLinear,
  encodeLinear,
  type LinearAlgorithm,
  type LinearChecksums,
  updateLinear,
} from './linear-checksum.ts'

/** Checksums of slices that several parts have: computed once, by whoever has it first. */
const shared = new WeakMap<Uint8Array, Map<LinearAlgorithm, bigint>>()

/** Running checksums of the slices of one part, which come in any order. */
export class LinearSums {
  readonly #sums: readonly { readonly algorithm: LinearAlgorithm; readonly slices: bigint[] }[]

  constructor(algorithms: readonly LinearAlgorithm[]) {
    this.#sums = algorithms.map((algorithm) => ({ algorithm, slices: [] }))
  }

  /** Bytes that follow those that were added to this slice before. */
  add(index: number, bytes: Uint8Array): void {
    for (const { algorithm, slices } of this.#sums) slices[index] = updateLinear(algorithm, bytes, slices[index] ?? 0n)
  }

  /** A whole slice that others have too. */
  addShared(index: number, slice: Uint8Array): void {
    const known = shared.get(slice) ?? new Map<LinearAlgorithm, bigint>()
    shared.set(slice, known)
    for (const { algorithm, slices } of this.#sums) {
      const sum = known.get(algorithm) ?? updateLinear(algorithm, slice, 0n)
      known.set(algorithm, sum)
      slices[index] = sum
    }
  }

  /** Of all slices together, which have these lengths. */
  total(sliceSizes: readonly number[]): LinearChecksums {
    return Object.fromEntries(
      this.#sums.map(({ algorithm, slices }) => {
        let crc = 0n
        for (const [index, bytes] of sliceSizes.entries())
          crc = appendLinear(algorithm, crc, slices[index] ?? 0n, bytes)
        return [algorithm, encodeLinear(algorithm, crc)]
      }),
    )
  }
}
