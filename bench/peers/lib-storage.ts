import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../scripts/runner/run-program.ts'
import { shellWord } from '../harness/measure-script.ts'
import type { Peer } from './peer.ts'
import { scriptPeer } from './script-peer.ts'

/** `@aws-sdk/lib-storage` with its defaults, on our Node; ten files at once. */
export function libStorage(): Peer {
  const script = join(import.meta.dirname, 'lib-storage-program.ts')
  const peer = scriptPeer({
    name: 'lib-storage',
    programs: [{ name: 'node', path: process.execPath }],
    ofAll: ({ files, store }) => {
      const work = JSON.stringify({ files: files.map(({ url, key }) => ({ url, key })), bucket: store.bucket })
      return `BENCH_WORK=${shellWord(work)} ${shellWord(process.execPath)} ${shellWord(script)}`
    },
  })
  const manifest = join(ROOT, 'node_modules', '@aws-sdk', 'lib-storage', 'package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return { ...peer, version: () => `lib-storage ${version}, node ${process.version}` }
}
