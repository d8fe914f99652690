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
  const bytes = Buffer.alloc(PART_BYTES)
  server = createServer((request, response) => {
    if (request.method === 'PUT') {
      request.resume().once('end', () => response.writeHead(200, { etag: '"part"' }).end())
      return
    }
    // The path says how long the file is.
    const sizeBytes = Number(request.url?.slice(1))
    const [first = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []).slice(1).map(Number)
    const headers = { etag: '"v1"', 'content-length': last + 1 - first }
    const contentRange = `bytes ${first}-${last}/${sizeBytes}`
    response.writeHead(206, { ...headers, 'content-range': contentRange }).end(bytes.subarray(0, last + 1 - first))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test.each([
  // Spans of 2 MiB, through the buffers of one part.
  { shape: 'held', requests: 32, buffers: 8 },
  // Spans of 8 MiB, through windows.
  { shape: 'streamed', requests: 8, buffers: 6 },
])(
  'a transfer of $shape parts allocates little for each MiB, and copies nothing but what comes with a head',
  async ({ shape, requests, buffers }) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const program = join(import.meta.dirname, 'count-allocations.ts')
    const flags = ['--min-semi-space-size=256', '--max-semi-space-size=256']
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, url, url, shape, `${PARTS}`])
    const seen = JSON.parse(stdout)
    expect(seen.sourceBytes).toBe(PARTS * PART_BYTES)
    expect(seen.bucketBytes).toBeGreaterThanOrEqual(PARTS * PART_BYTES)
    // Only where nothing was collected meanwhile, growth is what was allocated.
    expect(seen.collections).toBe(0)
    expect(seen.buffersAllocated).toBeLessThanOrEqual(buffers)
    expect(seen.heapBytesPerMib).toBeLessThan(48 * 1024)
    expect(seen.externalBytesPerMib).toBeLessThan(24 * 1024)
    // What a request copies does not grow with its length: a tenth of a part at most, however many requests read it.
    expect(seen.bytesCopied / seen.sourceRequests).toBeLessThan(0.1 * PART_BYTES)
    expect(seen.sourceRequests).toBeLessThanOrEqual(2 * requests)
  },
)
