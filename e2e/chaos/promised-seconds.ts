import { LEASE_MS } from './chaos-stack.ts'

/**
 * Seconds that are promised, with room for a machine that does much else. Each is far under what it would be if the promise did
 * not hold: those that stand by have leases of a minute or ten, and who is not helped waits for ever.
 */
export const PROMISED_SECONDS = {
  /** The lease of the dead one, one look of a busy neighbour (3 s), and room. */
  reclaim: LEASE_MS / 1000 + 3 + 9,
  /** 5 s, and room. */
  cancel: 10,
  /** Claims of one that was told to stop: 1 s, and room. */
  handOver: 10,
  /** SIGTERM to its end, whatever does not answer: it cuts itself short after 25 s. */
  stop: 30,
  /** A finished part of one that joins: what it takes over, and the seconds that part takes. */
  join: 20,
} as const
