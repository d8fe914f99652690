import { spawn } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../e2e/stack/until.ts'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { endlessBytes, endlessPath } from './endless-file.ts'
import type { RunningSource, TlsFiles } from './source.ts'

const PREFIX = 'sluice-bench-files-'

/** nginx over files in memory where the machine has /dev/shm, with folder listings, which rclone's `:http:` reads. */
export async function startNginxSource(tls: TlsFiles | undefined): Promise<RunningSource> {
  const program = findProgram(['nginx'])
  if (!program) throw new Error('This scenario needs nginx, which is not installed (Debian: nginx-light).')
  const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  removeOrphans(folder)
  const home = mkdtempSync(join(folder, `${PREFIX}${process.pid}-`))
  chmodSync(home, 0o755)
  const port = await findFreePort()
  const securePort = await findFreePort()
  writeFileSync(join(home, 'nginx.conf'), configuration(home, port, tls && { ...tls, port: securePort }))
  const child = spawn(program, ['-p', home, '-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')], {
    stdio: 'ignore',
  })
  const exited = new Promise<void>((settle) => {
    child.once('exit', () => settle())
    child.once('error', () => settle())
  })
  const kill = () => child.kill('SIGTERM')
  process.once('exit', kill)
  const statusUrl = `http://127.0.0.1:${port}/status`
  let asked = 0
  /** Requests so far, by nginx's own count, without the questions. */
  const requests = async () => {
    const text = await (await fetch(statusUrl)).text()
    asked++
    return Number(/^\s*\d+ \d+ (\d+)/m.exec(text)?.[1] ?? 0) - asked
  }
  await until(
    'nginx to answer',
    () =>
      child.exitCode === null &&
      requests().then(
        () => true,
        () => false,
      ),
    10_000,
  )
  return {
    url: tls ? `https://127.0.0.1:${securePort}` : `http://127.0.0.1:${port}`,
    async prepare(count, sizeBytes) {
      for (let index = 0; index < count; index++) writeFile(home, count, index, sizeBytes)
    },
    counts: async () => ({ requests: await requests(), bytes: 0, refused: 0, cpuSeconds: null }),
    async stop() {
      process.off('exit', kill)
      kill()
      await exited
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Removes files of a bench that was killed: they would hold memory for as long as the machine runs. */
function removeOrphans(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = name.startsWith(PREFIX) ? /^\d+/.exec(name.slice(PREFIX.length))?.[0] : undefined
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      rmSync(join(folder, name), { recursive: true, force: true })
  }
}

function writeFile(home: string, count: number, index: number, sizeBytes: number): void {
  const path = join(home, 'files', endlessPath(count, index, sizeBytes))
  if (existsSync(path)) return
  mkdirSync(join(path, '..'), { recursive: true })
  const file = openSync(path, 'w', 0o644)
  try {
    for (let offset = 0; offset < sizeBytes; )
      offset += writeSync(file, endlessBytes(index, offset, sizeBytes - offset))
  } finally {
    closeSync(file)
  }
}

function configuration(home: string, port: number, tls: (TlsFiles & { port: number }) | undefined): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${home}/${name};`)
    .join('\n')
  const secure = tls
    ? `listen 127.0.0.1:${tls.port} ssl; ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};`
    : ''
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 512; }
http {
  access_log off;
  default_type application/octet-stream;
  sendfile on;
  keepalive_requests 100000;
${temporary}
  server {
    listen 127.0.0.1:${port};
    ${secure}
    root "${home}/files";
    autoindex on;
    location = /status { stub_status; }
  }
}
`
}
