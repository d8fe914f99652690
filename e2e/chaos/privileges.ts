import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'vitest'

const CGROUP_V1 = '/sys/fs/cgroup/memory'
const CGROUP_V2 = '/sys/fs/cgroup'

/** A test that needs one of the machine's own powers; where that is missing it is skipped, and says why. */
export function itNeeds(power: Parameters<typeof missingFor>[0], name: string, run: () => Promise<void>): void {
  it(name, async (context) => {
    const missing = missingFor(power)
    context.skip(missing !== null, missing ?? undefined)
    await run()
  })
}

/** Why a test that needs the machine's own powers cannot run here; null where it can. */
function missingFor(what: 'cgroup' | 'faketime' | 'namespace' | 'tmpfs'): string | null {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`
  if (what === 'faketime') return findFaketime() ? null : 'libfaketime is not installed (apt-get install faketime)'
  if (process.getuid?.() !== 0) return 'it needs root'
  if (what === 'tmpfs') return null
  if (what === 'cgroup') return memoryCgroup() ? null : 'no cgroup with a memory controller can be made here'
  if (spawnSync('ip', ['netns', 'list']).status !== 0) return 'ip netns does not work here'
  return null
}

/** A command that runs a program under a limit of memory, and what became of it. */
export interface MemoryCage {
  readonly command: readonly string[]
  /** How often the kernel killed something in it for memory. */
  kills(): number
  remove(): void
}

/** Makes a cgroup (version 1 or 2, whichever the machine has) with that limit. */
export function createMemoryCage(limitBytes: number): MemoryCage {
  const version = memoryCgroup()
  const path = join(version === 2 ? CGROUP_V2 : CGROUP_V1, `sluice-chaos-${process.pid}`)
  mkdirSync(path)
  writeFileSync(join(path, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), String(limitBytes))
  return {
    command: ['/bin/sh', '-c', `echo $$ > ${join(path, 'cgroup.procs')} && exec "$@"`, 'cage'],
    kills() {
      const file = join(path, version === 2 ? 'memory.events' : 'memory.oom_control')
      const text = existsSync(file) ? execFileSync('cat', [file], { encoding: 'utf8' }) : ''
      return Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0)
    },
    remove: () => rmdirSync(path),
  }
}

function memoryCgroup(): 1 | 2 | null {
  if (existsSync(join(CGROUP_V1, 'memory.limit_in_bytes'))) return 1
  const controllers = join(CGROUP_V2, 'cgroup.subtree_control')
  if (!existsSync(controllers)) return null
  return execFileSync('cat', [controllers], { encoding: 'utf8' }).includes('memory') ? 2 : null
}

/** Settings that move the clock of a process (`+2h`, `-2h`); its monotonic clock stays right. */
export function shiftedClock(offset: string): Record<string, string> {
  const library = findFaketime()
  if (!library) throw new Error('libfaketime is not installed.')
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' }
}

function findFaketime(): string | null {
  for (const folder of [
    '/usr/lib/x86_64-linux-gnu/faketime',
    '/usr/lib/aarch64-linux-gnu/faketime',
    '/usr/lib/faketime',
  ])
    if (existsSync(folder) && readdirSync(folder).includes('libfaketimeMT.so.1'))
      return join(folder, 'libfaketimeMT.so.1')
  return null
}

/** A network of its own for one process, with two ways to this machine: one for the database, one for everything else. */
export interface Namespace {
  readonly command: readonly string[]
  /** Where this machine is reached from inside, by each of the ways. */
  readonly databaseHost: string
  readonly othersHost: string
  /** The network itself from outside, as a CIDR. */
  readonly cidr: string
  /** Takes the way to the database down, or up again: packets are lost and nothing is answered. */
  setDatabaseWay(isUp: boolean): void
  remove(): void
}

/** Makes one. Addresses are of 10.231.0.0/16, by a number that must be this test's alone. */
export function createNamespace(number: number): Namespace {
  const name = `sluice-chaos-${process.pid}-${number}`
  const ip = (...words: string[]) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  ip('netns', 'add', name)
  const way = (kind: 'd' | 'o', subnet: number) => {
    const outer = `slc${process.pid % 100_000}${kind}${number}`
    const inner = `${outer}i`
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name)
    ip('addr', 'add', `10.231.${subnet}.1/24`, 'dev', outer)
    ip('link', 'set', outer, 'up')
    ip('-n', name, 'addr', 'add', `10.231.${subnet}.2/24`, 'dev', inner)
    ip('-n', name, 'link', 'set', inner, 'up')
    return outer
  }
  const database = way('d', number * 2)
  way('o', number * 2 + 1)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  return {
    command: ['ip', 'netns', 'exec', name],
    databaseHost: `10.231.${number * 2}.1`,
    othersHost: `10.231.${number * 2 + 1}.1`,
    cidr: '10.231.0.0/16',
    setDatabaseWay: (isUp) => void ip('link', 'set', database, isUp ? 'up' : 'down'),
    remove: () => void ip('netns', 'del', name),
  }
}
