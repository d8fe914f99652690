import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { until } from './until.ts'

export interface RunningNginx {
  url: string
  close(): Promise<void>
}

/** Why nginx cannot be used here, or null. */
export const nginxMissing = findProgram(['nginx']) ? null : 'nginx is not installed'

/**
 * nginx on a free port of 127.0.0.1 that serves a folder, run by whoever we are; its own files in a temporary folder. `server` is put into
 * its server block, `port` takes the place of the free one.
 */
export async function startNginx(
  folder: string,
  more: { readonly server?: string; readonly port?: number } = {},
): Promise<RunningNginx> {
  const program = findProgram(['nginx'])
  if (!program) throw new Error('nginx is not installed.')
  const home = mkdtempSync(join(tmpdir(), 'sluice-nginx-'))
  chmodSync(home, 0o755)
  const port = more.port ?? (await findFreePort())
  const isRoot = process.getuid?.() === 0
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${home}/${name};`)
    .join('\n')
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off;
${isRoot ? 'user root;' : ''}
worker_processes 1;
pid ${home}/nginx.pid;
error_log ${home}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  default_type application/octet-stream;
  sendfile on;
${temporary}
  server {
    listen 127.0.0.1:${port};
    root "${folder}";
    ${more.server ?? ''}
  }
}
`,
  )
  const child = spawn(program, ['-p', home, '-c', join(home, 'nginx.conf'), '-e', join(home, 'error.log')], {
    stdio: 'ignore',
  })
  const exited = new Promise<void>((settle) => {
    child.once('exit', () => settle())
    child.once('error', () => settle())
  })
  const url = `http://127.0.0.1:${port}`
  await until('nginx to answer', () => child.exitCode === null && answers(url))
  return { url, close: () => stop(child, exited, home) }
}

async function stop(child: ChildProcess, exited: Promise<void>, home: string): Promise<void> {
  child.kill('SIGQUIT')
  setTimeout(() => child.kill('SIGTERM'), 2_000).unref()
  await exited
  rmSync(home, { recursive: true, force: true })
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer()
    return true
  } catch {
    return false
  }
}
