import { execFileSync } from 'node:child_process'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { atOnce, measureScript } from '../harness/measure-script.ts'
import type { Peer, Work } from './peer.ts'

type File = Work['files'][number]

/** With more files than this, a program per file is no way to work. */
const MOST_AT_ONCE = 16

/** Environment that every script gets: keys for S3 clients, and whom to trust where the scenario has TLS. */
function environment({ store, tls }: Work): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: store.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.secretAccessKey,
    AWS_REGION: store.region,
    AWS_DEFAULT_REGION: store.region,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    BENCH_ENDPOINT: store.endpoint,
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: store.accessKeyId,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: store.secretAccessKey,
    RCLONE_CONFIG_BENCH_REGION: store.region,
    RCLONE_CONFIG_BENCH_ENDPOINT: store.endpoint,
    RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE: 'true',
    RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
    ...(tls && {
      AWS_CA_BUNDLE: tls.authority,
      CURL_CA_BUNDLE: tls.authority,
      NODE_EXTRA_CA_CERTS: tls.authority,
      RCLONE_CA_CERT: tls.authority,
    }),
  }
}

/** A peer that is a shell script: one command for each file, side by side, or (`ofAll`) one for all of them. */
export function scriptPeer(options: {
  readonly name: string
  /** Programs it needs; the first line of each one's `--version` is its version. */
  readonly programs: readonly { readonly path: string | null; readonly name: string }[]
  readonly ofFile?: (file: File, work: Work) => string
  readonly ofAll?: (work: Work) => string
  readonly cannot?: (work: Work) => string | null
}): Peer {
  const { name, programs, ofFile, ofAll } = options
  return {
    name,
    version: () => programs.map(({ path }) => (path === null ? 'missing' : versionOf(path))).join(', '),
    unavailable(work) {
      const missing = programs.find(({ path }) => path === null)
      if (missing) return `${missing.name} is not installed.`
      const reason = options.cannot?.(work)
      if (reason) return reason
      if (!ofAll && work.files.length > MOST_AT_ONCE) return 'It is one program a file, which nobody does with so many.'
      return null
    },
    run(work) {
      const script = ofAll?.(work) ?? (ofFile ? atOnce(work.files.map((file) => ofFile(file, work))) : '')
      return measureScript(script, { env: environment(work), limitMs: work.limitMs, signal: work.signal })
    },
  }
}

const versions = new Map<string, string>()

function versionOf(path: string): string {
  const known = versions.get(path)
  if (known !== undefined) return known
  const output = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const line = output.split('\n')[0]?.trim() ?? ''
  const version = /^(curl [\d.]+|aws-cli\/[\d.]+|rclone v\S+|aria2 version \S+|v\d[\d.]+)/.exec(line)?.[0] ?? line
  versions.set(path, version)
  return version
}

/** A program of the system, as scriptPeer wants it. */
export function program(name: string): { path: string | null; name: string } {
  return { name, path: findProgram([name]) }
}
