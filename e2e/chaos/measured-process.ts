import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { MIB } from '../../src/server/domain/bytes.ts'
import type { MeasuredProcess } from './invariants.ts'

/** What an engine may hold beyond what it held before any work: its budget for bytes in flight, as `balanced` has it. */
const BUDGET_BYTES = 256 * MIB
/** Sockets it may keep for the next transfer: its database pool, and a kept connection for each lane at either side. */
const KEPT_SOCKETS = 64

/**
 * Measures a process from now on (I6): what it holds now, before any work, is its base. `sides`: 2 where the test's own servers are in
 * the process too, so that each connection counts twice.
 */
export function measureProcess(name: string, pid: number, sides: 1 | 2 = 1): MeasuredProcess {
  return {
    name,
    rssBytes: () => rssOf(pid),
    rssLimitBytes: rssOf(pid) + BUDGET_BYTES * sides,
    sockets: () => socketsOf(pid),
    socketLimit: socketsOf(pid) + KEPT_SOCKETS * sides,
  }
}

/** Resident memory of a process; 0 where it is gone. */
export function rssOf(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kib ?? 0) * 1024
  } catch {
    return 0
  }
}

/** Sockets a process holds open; 0 where it is gone. */
export function socketsOf(pid: number): number {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((name) => linkOf(`/proc/${pid}/fd/${name}`))
    return links.filter((link) => link.startsWith('socket:')).length
  } catch {
    return 0
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
