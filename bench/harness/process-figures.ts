import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second (sysconf(_SC_CLK_TCK)), for every program. */
const TICKS_PER_SECOND = 100

/** User and system time of a process, all its threads, from /proc/PID/stat. Null where it is gone. */
export function cpuSeconds(pid: number): number | null {
  const stat = readProc(`${pid}/stat`)
  return stat === null ? null : parseCpuSeconds(stat)
}

/** Cuts it out of the text of /proc/PID/stat (proc(5)); the name in it may have blanks and brackets. */
export function parseCpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The most memory a process ever had resident (VmHWM). 0 where it is gone. */
export function peakRssBytes(pid: number): number {
  return fieldBytes(pid, 'VmHWM')
}

/** What it has resident now (VmRSS). */
export function rssBytes(pid: number): number {
  return fieldBytes(pid, 'VmRSS')
}

/** All processes below `pid`, itself left out. */
export function descendants(pid: number): number[] {
  const found: number[] = []
  const open = [pid]
  for (let parent = open.pop(); parent !== undefined; parent = open.pop())
    for (const child of childrenOf(parent)) {
      found.push(child)
      open.push(child)
    }
  return found
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (readProc(`${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

function fieldBytes(pid: number, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readProc(`${pid}/status`) ?? '')
  return Number(match?.[1] ?? 0) * 1024
}

function readProc(path: string): string | null {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return null
  }
}
