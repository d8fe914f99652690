import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { findFreePort } from './free-port.ts'

test('many at once are different, can be listened on, and no outgoing connection can take one', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, findFreePort))
  expect(new Set(ports).size).toBe(50)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThan(32_768)
    // A process beside this one, with the next number, looks at others.
    expect(port % 32).toBe(process.pid % 32)
    const server = createServer()
    await new Promise<void>((settle, fail) => server.once('error', fail).listen(port, '127.0.0.1', settle))
    await new Promise((settle) => server.close(settle))
  }
})
