import { execFileSync } from 'node:child_process'
import { isRunning, processIdentity } from '../../src/server/config/process-identity.ts'

export interface TreeProcess {
  pid: number
  command: string
  /** Tells it from a later process with the same number. */
  identity: string
}

/** All processes below `pid`, itself included, whatever groups and sessions they are in. */
export function processTree(pid: number): TreeProcess[] {
  const rows = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, own, parent, command = '']) => ({ pid: Number(own), parent: Number(parent), command }))
  const tree: TreeProcess[] = []
  const add = (parent: number) => {
    for (const row of rows)
      if (row.pid === parent) tree.push({ pid: row.pid, command: row.command, identity: processIdentity(row.pid) })
    for (const row of rows) if (row.parent === parent) add(row.pid)
  }
  add(pid)
  return tree
}

/** Those of a tree that still run. */
export function stillRunning(tree: readonly TreeProcess[]): TreeProcess[] {
  return tree.filter(({ identity }) => isRunning(identity))
}
