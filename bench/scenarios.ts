import type { Scenario } from './scenario.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB

const ONE_STREAM = ['rclone-copyurl', 'lib-storage', 'curl-into-aws', 'curl-into-curl']
const RCLONE_STREAMS = ['rclone-http', 'rclone-http-16', 'rclone-http-64']
/** What the number of read lanes that Sluice finds is held against. */
const FIXED_LANES = ['sluice-32-lanes', 'sluice-48-lanes', 'sluice-64-lanes']
/** 128 MiB through one stream tell its rate. */
const ONE_STREAM_SHORTER = Object.fromEntries(ONE_STREAM.map((name) => [name, 128 * MIB]))

const paced = { kind: 'metered', bytesPerSecondPerConnection: 5 * MIB } as const
const late = (firstByteMs: number) => ({ kind: 'metered', firstByteMs }) as const
const ceph = { kind: 'ceph' } as const
const discard = { kind: 'discard' } as const

/** One big file as fast as it goes, into each kind of store, plain and over TLS. */
const unlimited: readonly Scenario[] = [
  {
    name: 'big-unlimited',
    shows: '1 GiB from nginx into Ceph, no limits.',
    source: { kind: 'nginx' },
    store: ceph,
    files: { count: 1, sizeBytes: GIB },
    peers: ['lib-storage', 'rclone-copyurl', 'rclone-http', 'curl-into-aws', 'aria2-then-rclone', 'curl-into-curl'],
    rounds: 3,
  },
  {
    name: 'big-unlimited-discard',
    shows: '1 GiB from nginx into a store that keeps nothing: what the client itself costs.',
    source: { kind: 'nginx' },
    store: discard,
    files: { count: 1, sizeBytes: GIB },
    peers: [
      'sluice-8mib-parts',
      'lib-storage',
      'rclone-copyurl',
      'rclone-http',
      'curl-into-aws',
      'aria2-then-rclone',
      'curl-into-curl',
      'c-relay',
    ],
    rounds: 3,
  },
  {
    name: 'big-unlimited-tls',
    shows: '1 GiB from nginx into a store that keeps nothing, TLS on both sides.',
    source: { kind: 'nginx' },
    store: discard,
    tls: true,
    files: { count: 1, sizeBytes: GIB },
    peers: ['lib-storage', 'rclone-copyurl', 'rclone-http', 'curl-into-aws', 'curl-into-curl'],
    rounds: 3,
  },
  {
    name: 'memory-of-large-parts',
    shows:
      '4 GiB that are made while they are sent, in parts of 100 MiB, into a store that keeps nothing: the memory it takes.',
    source: { kind: 'metered' },
    store: discard,
    files: { count: 1, sizeBytes: 4 * GIB },
    peers: ['sluice-100mib-parts', 'sluice-100mib-low-memory'],
    rounds: 2,
  },
  {
    name: 'generated-10gib',
    shows: '10 GiB that are made while they are sent, into a store that keeps nothing: memory must not follow size.',
    source: { kind: 'metered' },
    store: discard,
    files: { count: 1, sizeBytes: 10 * GIB },
    // One PUT takes 5 GiB at most, and lib-storage takes its time; each is judged by its rate and by what a GiB costs it.
    shorter: { 'lib-storage': 2 * GIB, 'curl-into-curl': 4 * GIB, 'c-relay': 4 * GIB },
    peers: ['sluice-8mib-parts', 'rclone-http', 'lib-storage', 'curl-into-curl', 'c-relay'],
    rounds: 1,
  },
  {
    name: 'generated-50gib',
    shows: '50 GiB that are made while they are sent, into a store that keeps nothing.',
    source: { kind: 'metered' },
    store: discard,
    files: { count: 1, sizeBytes: 50 * GIB },
    peers: [],
    rounds: 1,
    isHuge: true,
  },
  {
    name: 'hour-long',
    shows: '35 GiB in parts of 100 MiB through ten lanes of 1 MiB/s, an hour: whether memory stays as it is.',
    source: { kind: 'metered', bytesPerSecondPerConnection: MIB },
    store: discard,
    files: { count: 1, sizeBytes: 35 * GIB },
    peers: ['sluice-100mib-10-lanes'],
    rounds: 1,
    isHuge: true,
    limitMs: 90 * 60_000,
  },
]

/** Sources that are slow, stubborn or far away. */
const limited: readonly Scenario[] = [
  {
    name: 'paced-per-connection',
    shows: '2 GiB into Ceph from a source that gives each connection 5 MiB/s.',
    source: paced,
    store: ceph,
    files: { count: 1, sizeBytes: 2 * GIB },
    shorter: { ...ONE_STREAM_SHORTER, 'rclone-http': 512 * MIB, 'aria2-then-rclone': 512 * MIB },
    peers: [...FIXED_LANES, ...RCLONE_STREAMS, 'rclone-copyurl', 'lib-storage', 'aria2-then-rclone'],
    rounds: 2,
  },
  {
    name: 'paced-138mb',
    shows: 'A file of 138 MB into Ceph from a source that gives each connection 5 MiB/s.',
    source: paced,
    store: ceph,
    files: { count: 1, sizeBytes: 138_000_000 },
    peers: ['rclone-copyurl', 'rclone-http', 'rclone-http-16'],
    rounds: 3,
  },
  {
    name: 'small-138mb',
    shows: 'A file of 138 MB from nginx into Ceph, no limits.',
    source: { kind: 'nginx' },
    store: ceph,
    files: { count: 1, sizeBytes: 138_000_000 },
    peers: ['lib-storage', 'rclone-copyurl', 'rclone-http', 'curl-into-aws', 'curl-into-curl'],
    rounds: 5,
  },
  {
    name: 'limit-429',
    shows: '512 MiB into Ceph from a source that paces to 5 MiB/s a connection and answers 429 above 8 requests.',
    source: { ...paced, maxRequests: 8 },
    store: ceph,
    files: { count: 1, sizeBytes: 512 * MIB },
    shorter: ONE_STREAM_SHORTER,
    peers: ['rclone-http', 'rclone-http-16', 'aria2-then-rclone', 'rclone-copyurl'],
    rounds: 3,
    idealSeconds: 512 / (8 * 5),
  },
  ...[50, 200, 500].map(
    (firstByteMs): Scenario => ({
      name: `latency-source-${firstByteMs}`,
      shows: `512 MiB into Ceph from a source that takes ${firstByteMs} ms to each first byte and paces to 5 MiB/s a connection.`,
      source: { ...paced, ...late(firstByteMs) },
      store: ceph,
      files: { count: 1, sizeBytes: 512 * MIB },
      peers: ['rclone-http-16', 'rclone-http-64', 'aria2-then-rclone'],
      rounds: 3,
    }),
  ),
  {
    name: 'no-ranges',
    shows: '1 GiB from a source without ranges into a store that keeps nothing.',
    source: { kind: 'metered', noRanges: true },
    store: discard,
    files: { count: 1, sizeBytes: GIB },
    peers: ['lib-storage', 'rclone-copyurl', 'rclone-http', 'curl-into-aws', 'curl-into-curl'],
    rounds: 3,
  },
  {
    name: 'latency-bucket',
    shows: '512 MiB from nginx into a store that takes 100 ms to answer each request.',
    source: { kind: 'nginx' },
    store: { kind: 'discard', latencyMs: 100 },
    files: { count: 1, sizeBytes: 512 * MIB },
    peers: ['lib-storage', 'rclone-copyurl', 'rclone-http', 'curl-into-aws', 'curl-into-curl'],
    rounds: 3,
  },
]

/** Several files. */
const many: readonly Scenario[] = [
  {
    name: 'many-1mb',
    shows: '500 files of 1 MB from nginx into Ceph.',
    source: { kind: 'nginx' },
    store: ceph,
    files: { count: 500, sizeBytes: 1_000_000 },
    peers: ['rclone-http', 'rclone-http-16', 'lib-storage'],
    rounds: 3,
  },
  {
    name: 'many-10mb',
    shows: '100 files of 10 MB from nginx into Ceph.',
    source: { kind: 'nginx' },
    store: ceph,
    files: { count: 100, sizeBytes: 10_000_000 },
    peers: ['sluice-warm', 'rclone-http', 'rclone-http-16'],
    rounds: 3,
  },
  {
    name: 'ten-at-once',
    shows: 'Ten files of 128 MiB from nginx into a store that keeps nothing, at once.',
    source: { kind: 'nginx' },
    store: discard,
    files: { count: 10, sizeBytes: 128 * MIB },
    peers: ['lib-storage', 'rclone-copyurl', 'rclone-http', 'rclone-http-16', 'curl-into-aws', 'curl-into-curl'],
    rounds: 3,
  },
]

/** Everything `npm run bench` can measure. */
export const SCENARIOS: readonly Scenario[] = [...unlimited, ...limited, ...many]
