import { createServer } from 'node:net'

// Below the ports that systems give to outgoing connections (Linux from 32768, macOS from 49152): such a port could be
// taken by any connection of the machine between this look and the listener that it is for.
const FIRST_PORT = 20_000
const LAST_PORT = 32_000
const ATTEMPTS = 200
/** Processes with numbers near each other look at ports of their own: what one was given and does not listen on yet, no other finds free. */
const SHARES = 32

const given = new Set<number>()

/** A TCP port of 127.0.0.1 on which nobody listens, and which this process was not given before. */
export async function findFreePort(): Promise<number> {
  const inShare = Math.floor((LAST_PORT - FIRST_PORT) / SHARES)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * inShare) * SHARES + (process.pid % SHARES)
    if (given.has(port)) continue
    // Taken before it is looked at: another caller would find it free as soon as this look is over.
    given.add(port)
    if (await canListen(port)) return port
    given.delete(port)
  }
  throw new Error(`No free TCP port was found between ${FIRST_PORT} and ${LAST_PORT} in ${ATTEMPTS} attempts.`)
}

function canListen(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', () => settle(false))
    server.listen(port, '127.0.0.1', () => server.close(() => settle(true)))
  })
}
