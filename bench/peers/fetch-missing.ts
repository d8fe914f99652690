import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../../scripts/runner/install-programs.ts'
import { runProgram } from '../../scripts/runner/run-program.ts'
import { OWN_RCLONE } from './rclone.ts'

/** Programs of the peers and the Debian packages they come in. */
const PROGRAMS = [
  { name: 'curl', aptPackage: 'curl' },
  { name: 'aws', aptPackage: 'awscli' },
  { name: 'aria2c', aptPackage: 'aria2' },
  { name: 'nginx', aptPackage: 'nginx-light' },
  { name: 'openssl', aptPackage: 'openssl' },
]

/** Installs what is missing where we may; a current rclone is unpacked beside the project. What stays missing is skipped later. */
export async function fetchMissing(say: (line: string) => void): Promise<void> {
  const missing = PROGRAMS.filter(({ name }) => findProgram([name]) === null)
  const apt = findProgram(['apt-get'])
  if (!apt) return
  if (missing.length > 0 && process.getuid?.() === 0) {
    say(`Installing ${missing.map(({ aptPackage }) => aptPackage).join(', ')} …`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    await runProgram(apt, ['update'], { limitMs: 90_000, env })
    for (const { aptPackage } of missing)
      await runProgram(apt, ['install', '--yes', '--no-install-recommends', aptPackage], { limitMs: 240_000, env })
  }
  if (existsSync(OWN_RCLONE)) return
  say('Fetching a current rclone …')
  const folder = dirname(dirname(dirname(OWN_RCLONE)))
  const { code, output } = await runProgram(join(import.meta.dirname, 'get-rclone.sh'), [folder], { limitMs: 240_000 })
  if (code !== 0) say(`That of the system is taken if there is one: ${output.trim().split('\n').at(-1) ?? ''}`)
}
