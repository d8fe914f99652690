/**
 * Seconds in which what is promised has to be there, with room for stalls of several of them in any process. None is a measure of how fast
 * it goes: without the promise it would be minutes or for ever, because those that stand by have leases of a minute or ten, and who is
 * not helped moves a part in minutes.
 */
export const PROMISED_SECONDS = {
  /** The lease of the dead one (3 s) and one look of a busy neighbour (3 s). */
  reclaim: 45,
  /** 5 s. */
  cancel: 30,
  /** Claims of one that was told to stop: 1 s. */
  handOver: 30,
  /** SIGTERM to its end, whatever does not answer: it cuts itself short after 25 s, and systemd waits for 60 (README.md). */
  stop: 60,
  /** A finished part of one that joins: what it takes over, and the seconds that part takes. */
  join: 60,
} as const
