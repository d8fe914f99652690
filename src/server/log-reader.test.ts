import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

const LOG = pathToFileURL(join(import.meta.dirname, 'log.ts')).href
/** More than its reader takes by itself, less than what waits between the two. */
const LINE_BYTES = 100_000
const CODE = `
import { createLog } from '${LOG}'
const log = createLog('engine', 'info')
log.info('x'.repeat(${LINE_BYTES}))
process.send('written')
process.once('message', () => {
  for (let line = 0; line < 3; line++) log.warn('nobody reads this')
  process.exit(7)
})
`

test('a process whose log was being read by one that died ends as it wants to', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CODE], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  })
  try {
    await once(child, 'message')
    child.stdout?.destroy()
    const exit = once(child, 'exit')
    child.send('go on')
    expect(await exit).toEqual([7, null])
  } finally {
    child.kill('SIGKILL')
  }
})
