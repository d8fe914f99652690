import { createLog } from '../../../server/log.ts'
import { createObjectStoreServer } from '../server.ts'
import { TEST_KEYS } from './signed-request.ts'

// A store in a process of its own, for tests that kill it: `node serve.ts DIR` prints its port.
const dir = process.argv[2] ?? ''
const server = await createObjectStoreServer({
  dir,
  host: '127.0.0.1',
  port: 0,
  ...TEST_KEYS,
  log: createLog('start', 'silent'),
})
await server.ensureBucket('box')
process.stdout.write(`${server.port}\n`)
