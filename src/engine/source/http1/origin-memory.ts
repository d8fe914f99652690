import type { GuardedLookup } from '../address-guard.ts'

/** What earlier connections to an origin have shown. */
export interface OriginMemory {
  /** A TLS session whose first handshake was verified. */
  session: Buffer | null
  /** The address that answered last. */
  address: string | null
}

/**
 * A lookup that puts the address that answered last first: it is likely to answer again, and node takes up a TLS session only
 * at the first address it tries.
 */
export function rememberingLookup(lookup: GuardedLookup, memory: OriginMemory): GuardedLookup {
  return (hostname, options, callback) =>
    lookup(hostname, options, (error, addresses, family) => {
      if (error || !Array.isArray(addresses)) callback(error, addresses, family)
      else
        callback(
          null,
          addresses.toSorted((a, b) => rank(a.address) - rank(b.address)),
        )
    })

  function rank(address: string): number {
    return address === memory.address ? 0 : 1
  }
}
