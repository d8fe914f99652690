import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { ROOT } from '../../scripts/runner/run-program.ts'
import { shellWord } from '../harness/measure-script.ts'
import type { Peer } from './peer.ts'
import { presignPut } from './presign-put.ts'
import { scriptPeer } from './script-peer.ts'

const SOURCE = join(import.meta.dirname, 'relay.c')
const PROGRAM = join(ROOT, '.cache', 'bench', 'relay')
const MAX_PUT_BYTES = 5 * 1024 ** 3

/** relay.c, built where there is a C compiler: a yardstick, without TLS, checksums or a second try. */
export function cRelay(): Peer {
  const compiler = findProgram(['gcc', 'cc'])
  if (compiler && !isBuilt()) {
    mkdirSync(dirname(PROGRAM), { recursive: true })
    execFileSync(compiler, ['-O2', '-o', PROGRAM, SOURCE], { stdio: 'pipe' })
  }
  const peer = scriptPeer({
    name: 'c-relay',
    programs: [{ name: 'a C compiler', path: compiler }],
    cannot: ({ files, tls }) => {
      if (tls) return 'It has no TLS.'
      return files.some((file) => file.sizeBytes > MAX_PUT_BYTES) ? 'One PUT takes 5 GiB at most.' : null
    },
    ofFile: (file, { store }) => {
      const from = new URL(file.url)
      const to = new URL(presignPut(store, file.key, new Date()))
      const words = [from, to].flatMap((url) => [url.hostname, url.port || '80', url.pathname + url.search])
      return [PROGRAM, ...words.map(shellWord), file.sizeBytes].join(' ')
    },
  })
  return { ...peer, version: () => 'relay.c' }
}

function isBuilt(): boolean {
  return existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs >= statSync(SOURCE).mtimeMs
}
