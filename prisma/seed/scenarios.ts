import { GIB, MIB, TIB } from '../../src/server/domain/bytes.ts'

import { FAILED, run, type SeedTransfer } from './seed-transfer.ts'

const MINUTE = 60

export interface Scenario {
  says: string
  engines: number
  buckets: readonly string[]
  /** Whether origins are published and the caches have something in them. */
  origins?: boolean
  transfers: () => SeedTransfer[]
  /** Whether the runs of report-runs.ts are written too. */
  reports?: boolean
}

const RUNNING: SeedTransfer[] = [
  run(
    'https://releases.ubuntu.com/26.04/ubuntu-26.04-desktop-amd64.iso',
    'media',
    'iso/ubuntu-26.04-desktop-amd64.iso',
    6.2 * GIB,
    0.44,
    412 * MIB,
    8,
  ),
  run(
    'https://cdn.example.org/models/llama-70b/llama-weights-00012-of-00191.safetensors',
    'models',
    '70b/llama-weights-00012-of-00191.safetensors',
    9.8 * GIB,
    0.18,
    388 * MIB,
    5,
  ),
  run(
    'https://data.example.net/corpus/2026-10/corpus-2026-10.tar.zst?X-Amz-Signature=…',
    'lake',
    'raw/corpus-2026-10.tar.zst',
    2.4 * TIB,
    0.37,
    431 * MIB,
    38 * MINUTE,
  ),
]

const STANDING: SeedTransfer[] = [
  {
    ...run(
      'https://data.example.net/corpus/corpus-2026-09.tar.zst',
      'lake',
      'raw/corpus-2026-09.tar.zst',
      200 * GIB,
      0.44,
      0,
      3 * 60 * MINUTE,
    ),
    status: 'paused',
  },
  {
    ...run(
      'https://mirror.example.org/openstreetmap/planet-261116.osm.pbf',
      'lake',
      'osm/planet-261116.osm.pbf',
      84 * GIB,
      1,
      320 * MIB,
      6 * MINUTE,
    ),
    status: 'verifying',
  },
  ...Array.from({ length: 12 }, (_, index): SeedTransfer => {
    const shard = String(index + 13).padStart(5, '0')
    return {
      ...run(
        `https://cdn.example.org/models/llama-70b/llama-weights-${shard}-of-00191.safetensors`,
        'models',
        `70b/llama-weights-${shard}-of-00191.safetensors`,
        9.8 * GIB,
        0,
        0,
        4,
      ),
      status: 'queued',
    }
  }),
  {
    ...run('https://nightly.example.com/dumps/full.sql.gz', 'cold', 'nightly/full.sql.gz', null, 0, 0, 2),
    status: 'queued',
    startInSeconds: 5 * 60 * MINUTE,
  },
  {
    ...run(
      'https://releases.example.org/old/linux-5.4.tar.xz',
      'media',
      'src/linux-5.4.tar.xz',
      104 * MIB,
      0.2,
      0,
      50 * MINUTE,
    ),
    status: 'cancelled',
  },
]

const NAMES = [
  'linux-6.6.1.tar.xz',
  'debian-13.2.0-amd64-netinst.iso',
  'sentinel2-tile-32UQD.zip',
  'wikidata-latest-all.json.bz2',
  'episode-07-master.mxf',
  'imagenet-22k-part.tar',
  'genome-hg38.fa.gz',
  'camera-b-take-11.braw',
]
const HOSTS = [
  'cdn.kernel.example.org',
  'cdimage.example.org',
  'sentinel.example.eu',
  'dumps.example.org',
  'media.example.com',
  'data.example.net',
]
const BUCKETS = ['media', 'models', 'lake', 'cold']

/** `count` transfers that ended, from now backwards; deterministic, so that screenshots can be compared. */
function ended(count: number, everySeconds: number): SeedTransfer[] {
  return Array.from({ length: count }, (_, index): SeedTransfer => {
    const name = NAMES[(index * 5) % NAMES.length] ?? 'file.bin'
    const host = HOSTS[(index * 7) % HOSTS.length] ?? 'example.org'
    const bucket = BUCKETS[(index * 3) % BUCKETS.length] ?? 'media'
    const sizeBytes = Math.round(40 * MIB * (1 + ((index * 37) % 97) ** 1.7))
    const base = run(
      `https://${host}/pub/${index}/${name}`,
      bucket,
      `2026/${String(index).padStart(4, '0')}/${name}`,
      sizeBytes,
      1,
      (90 + ((index * 53) % 400)) * MIB,
      (index + 1) * everySeconds,
    )
    if (index % 43 !== 17)
      return {
        ...base,
        status: 'completed',
        ...(index % 29 === 3
          ? {
              warnings: [
                {
                  code: 'html_page',
                  message: 'The source declared text/html. Make sure that it is the file and not a sign-in page.',
                },
              ],
            }
          : {}),
      }
    const template = FAILED[index % FAILED.length]
    return { ...base, status: 'failed', progress: 0.4, ...(template?.failure ? { failure: template.failure } : {}) }
  })
}

/** What `node prisma/seed.ts NAME` can fill a database with. */
export const SCENARIOS: Record<string, Scenario> = {
  bare: { says: 'nothing at all, and no engine', engines: 0, buckets: [], transfers: () => [] },
  empty: {
    says: 'a new install: an engine and the embedded bucket',
    engines: 1,
    buckets: ['sluice'],
    transfers: () => [],
  },
  busy: {
    says: 'three running, some waiting, some failed, a day behind it, origins with readers',
    engines: 2,
    origins: true,
    buckets: ['sluice', ...BUCKETS],
    transfers: () => [...RUNNING, ...STANDING, ...FAILED.slice(0, 2), ...ended(40, 9 * MINUTE)],
  },
  history: {
    says: '1,200 transfers that ended',
    engines: 1,
    buckets: ['sluice', ...BUCKETS],
    transfers: () => [...RUNNING.slice(0, 1), ...ended(1200, 17 * MINUTE)],
  },
  reports: {
    says: 'a run for every state of a report page, and a history to pick from',
    engines: 3,
    buckets: ['sluice', ...BUCKETS],
    transfers: () => ended(60, 47 * MINUTE),
    reports: true,
  },
  failed: {
    says: 'one failure of each kind that people meet',
    engines: 1,
    buckets: ['sluice', ...BUCKETS],
    transfers: () => FAILED,
  },
}
