import { readFileSync, readlinkSync } from 'node:fs'

/**
 * A process by its number and, where the system tells (Linux), the moment it started: numbers are used again, and in a
 * container the same ones come back at each start.
 */
export function processIdentity(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces; field 22 of the whole is field 20 after it.
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${pid} ${startTicks}`
  } catch {
    return `${pid}`
  }
}

/**
 * The running system that process numbers belong to: one boot of one machine, one space of process numbers. Null where the
 * system does not tell (it is read from Linux's /proc).
 */
export function machineIdentity(): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return null
  }
}

/** Whether the process of that identity still runs. */
export function isRunning(identity: string): boolean {
  const pid = Number.parseInt(identity, 10)
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return processIdentity(pid) === identity
}
