import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { createAddressGuard } from '../address-guard.ts'
import type { Connection } from './connection.ts'
import { ConnectionPool } from './connection-pool.ts'

test('a connection that never carried a request is closed soon: its server waits for a head, and says so when none comes', async () => {
  const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const options = { guard, timeoutMs: 20_000, maxConnections: 4 }
  const pool = new ConnectionPool(url, options, { session: null, address: null })
  const limits = vi.spyOn(Socket.prototype, 'setTimeout')
  const idleLimitsMs = () => limits.mock.calls.map(([ms]) => ms).filter((ms) => ms > 0)
  const take = () =>
    new Promise<Connection>((resolve, reject) => pool.take({ onConnection: resolve, onFailed: reject }))
  try {
    const [first, second] = await Promise.all([take(), take()])
    limits.mockClear()
    first.carriedCount = 1
    pool.onFree(first, null)
    pool.onFree(second, null)
    expect(idleLimitsMs()).toEqual([90_000, 5_000])
    // A server that says how long it waits is believed.
    limits.mockClear()
    pool.onFree(first, 3_000)
    expect(idleLimitsMs()).toEqual([2_000])
  } finally {
    limits.mockRestore()
    pool.close(new Error('over'))
    server.close()
  }
})
