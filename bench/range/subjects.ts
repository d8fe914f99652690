import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../e2e/stack/until.ts'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { ENGINE_NODE_OPTIONS } from '../../src/engine/engine-command.ts'
import { startHelper } from '../harness/helper-process.ts'
import { cpuSeconds, descendants, peakRssBytes, rssBytes } from '../harness/process-figures.ts'

/** Somebody who serves ranges of an origin from a cache, in front of that origin, empty. */
export interface Subject {
  readonly name: string
  readonly url: string
  /** CPU of all its processes so far. */
  cpuSeconds(): number
  rssBytes(): number
  peakRssBytes(): number
  stop(): Promise<void>
}

const CACHE_MIB = 1024

/** Starts one by name. Throws a sentence where its program is missing. */
export async function startSubject(name: string, originUrl: string): Promise<Subject> {
  if (name === 'sluice') return startSluice(originUrl)
  if (name === 'nginx-slice') return startNginx(name, originUrl, true)
  if (name === 'nginx') return startNginx(name, originUrl, false)
  if (name === 'varnish') return startVarnish(originUrl)
  throw new Error(`There is no "${name}" here.`)
}

export const SUBJECTS = ['sluice', 'nginx-slice', 'nginx', 'varnish'] as const

async function startSluice(originUrl: string): Promise<Subject> {
  const script = join(import.meta.dirname, 'sluice-process.ts')
  const helper = await startHelper(script, { originUrl, cacheBytes: CACHE_MIB * 1024 * 1024 }, ENGINE_NODE_OPTIONS)
  return {
    name: 'sluice',
    url: helper.url,
    cpuSeconds: helper.cpuSeconds,
    rssBytes: () => rssBytes(helper.pid),
    peakRssBytes: () => peakRssBytes(helper.pid),
    stop: helper.stop,
  }
}

/** `slices`: with the slice module, 1 MiB each, as its documentation shows it; else whole files. */
async function startNginx(name: string, originUrl: string, slices: boolean): Promise<Subject> {
  const program = findProgram(['nginx'])
  if (!program) throw new Error('nginx is not installed (Debian: nginx-light).')
  const home = makeHome()
  const port = await findFreePort()
  writeFileSync(join(home, 'nginx.conf'), nginxConfiguration(home, port, originUrl, slices))
  const child = spawn(program, ['-p', home, '-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')], {
    stdio: 'ignore',
  })
  return running(name, child, port, home)
}

async function startVarnish(originUrl: string): Promise<Subject> {
  const program = findProgram(['varnishd'])
  if (!program) throw new Error('Varnish is not installed (Debian: varnish).')
  const home = makeHome()
  const port = await findFreePort()
  const { hostname, port: originPort } = new URL(originUrl)
  const child = spawn(
    program,
    [
      ...['-F', '-j', 'none', '-T', 'none', '-n', join(home, 'work')],
      ...['-a', `127.0.0.1:${port}`, '-b', `${hostname}:${originPort}`, '-t', '3600', '-s', `malloc,${CACHE_MIB}m`],
    ],
    { stdio: 'ignore' },
  )
  return running('varnish', child, port, home)
}

async function running(name: string, child: ChildProcess, port: number, home: string): Promise<Subject> {
  const pid = child.pid ?? 0
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const kill = () => child.kill('SIGTERM')
  process.once('exit', kill)
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/nothing`).then(
      () => true,
      () => false,
    )
  await until(`${name} to answer`, () => child.exitCode === null && answers(), 20_000)
  const all = () => [pid, ...descendants(pid)]
  const sum = (read: (pid: number) => number) => all().reduce((total, each) => total + read(each), 0)
  return {
    name,
    url,
    cpuSeconds: () => sum((each) => cpuSeconds(each) ?? 0),
    rssBytes: () => sum(rssBytes),
    peakRssBytes: () => sum(peakRssBytes),
    async stop() {
      process.off('exit', kill)
      kill()
      await exited
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function makeHome(): string {
  const home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `sluice-bench-range-${process.pid}-`))
  chmodSync(home, 0o755)
  mkdirSync(join(home, 'cache'))
  return home
}

function nginxConfiguration(home: string, port: number, originUrl: string, slices: boolean): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${home}/${name};`)
    .join('\n')
  const what = slices
    ? 'slice 1m; proxy_cache_key $uri$slice_range; proxy_set_header Range $slice_range;'
    : 'proxy_cache_key $uri; proxy_set_header Range "";'
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
${temporary}
  proxy_cache_path ${home}/cache levels=1:2 keys_zone=bench:16m max_size=${CACHE_MIB}m inactive=1h use_temp_path=off;
  upstream origin { server ${new URL(originUrl).host}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      ${what}
      proxy_cache bench;
      proxy_cache_valid 200 206 1h;
      proxy_cache_lock on;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://origin;
    }
  }
}
`
}
