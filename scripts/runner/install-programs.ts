import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT, runProgram } from './run-program.ts'

interface Program {
  readonly names: readonly string[]
  /** Only here counts; unset, wherever it is found. */
  readonly folder?: string
  readonly aptPackage: string
}

/** Programs the tests drive that npm does not bring, and the Debian packages they come in. */
const PROGRAMS: readonly Program[] = [
  { names: ['chromium', 'chromium-browser', 'google-chrome'], aptPackage: 'chromium' },
  { names: ['nginx'], aptPackage: 'nginx-light' },
  { names: ['rclone'], aptPackage: 'rclone' },
  // Debian's, also where a Python on the PATH has brought another: versions 1 and 2 send their bodies in different ways.
  { names: ['aws'], folder: '/usr/bin', aptPackage: 'awscli' },
  { names: ['redis-server', 'valkey-server'], aptPackage: 'redis-server' },
  { names: ['faketime'], aptPackage: 'faketime' },
]

/** Where a program is, looked for in PATH and the system's folders, or in one folder alone. */
export function findProgram(names: readonly string[], folder?: string): string | null {
  const everywhere = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin', '/sbin']
  const folders = folder === undefined ? everywhere : [folder]
  for (const folder of folders)
    for (const name of names) if (folder !== '' && existsSync(join(folder, name))) return join(folder, name)
  return null
}

/**
 * Installs what is missing where we may (root on Debian and its kin) and returns the programs that stay missing: tests
 * that need one of those are skipped by name.
 */
export async function installPrograms(say: (sentence: string) => void): Promise<string[]> {
  const isMissing = ({ names, folder }: Program) => findProgram(names, folder) === null
  const missing = PROGRAMS.filter(isMissing)
  if (missing.length === 0) return []
  const apt = findProgram(['apt-get'])
  if (process.getuid?.() === 0 && apt) {
    say(`Installing ${missing.map(({ aptPackage }) => aptPackage).join(', ')} …`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const install = (packages: string[]) =>
      runProgram(apt, ['install', '--yes', '--no-install-recommends', ...packages], { limitMs: 240_000, env })
    await runProgram(apt, ['update'], { limitMs: 90_000, env })
    const all = await install(missing.map(({ aptPackage }) => aptPackage))
    // One that cannot be had must not keep the others away.
    if (all.code !== 0) for (const program of missing.filter(isMissing)) await install([program.aptPackage])
  }
  const still = missing.filter(isMissing).map(({ aptPackage }) => aptPackage)
  if (!still.includes('chromium')) return still
  // Playwright brings a browser of its own to any user, where its host can be reached.
  const cli = join(ROOT, 'node_modules', '@playwright', 'test', 'cli.js')
  const own = await runProgram(process.execPath, [cli, 'install', 'chromium'], { limitMs: 180_000 })
  return own.code === 0 ? still.filter((name) => name !== 'chromium') : still
}
