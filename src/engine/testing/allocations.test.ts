import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const PART_BYTES = 8 * 1024 * 1024
const PARTS = 8

let server: Server
beforeEach(async () => {
  const file = Buffer.alloc(PART_BYTES)
  server = createServer((request, response) => {
    if (request.method === 'PUT') {
      request.resume().once('end', () => response.writeHead(200, { etag: '"part"' }).end())
      return
    }
    const headers = { etag: '"v1"', 'content-length': PART_BYTES }
    response.writeHead(206, { ...headers, 'content-range': `bytes 0-${PART_BYTES - 1}/${PART_BYTES}` }).end(file)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('moving bytes allocates little for each MiB, and copies nothing but what comes with a head', async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const program = join(import.meta.dirname, 'count-allocations.ts')
  const flags = ['--min-semi-space-size=256', '--max-semi-space-size=256']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, `${url}/file`, url, `${PARTS}`])
  const seen = JSON.parse(stdout)
  // Only where nothing was collected meanwhile, growth is what was allocated.
  expect(seen.collections).toBe(0)
  expect(seen.buffersAllocated).toBe(PART_BYTES / 1024 / 1024)
  expect(seen.heapBytesPerMib).toBeLessThan(48 * 1024)
  expect(seen.externalBytesPerMib).toBeLessThan(24 * 1024)
  expect(seen.copiedShare).toBeLessThan(0.1)
})
