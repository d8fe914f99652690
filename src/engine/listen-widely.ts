import type { Server as HttpServer } from 'node:http'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'

/** Enough that a thousand readers who come at once are taken in within some tens of turns. */
const LISTENERS = 32
/** A thousand players may come at once; the usual backlog is half of that. */
const BACKLOG = 4096

/** A port that is listened on. */
export interface WideListener {
  readonly port: number
  /** Takes no more connections; those that there are go on. */
  close(): void
}

/**
 * Listens on a port with several sockets that share it (SO_REUSEPORT), and hands what they accept to `server`. libuv accepts one connection of
 * a listening socket in each turn of the event loop: with one socket, a server whose turns are full of readers leaves new ones standing at the
 * door for seconds. Port 0 is one that is free. Rejects with EADDRINUSE where anybody listens there already, another engine included;
 * where the system cannot share a port, one socket listens alone.
 */
export async function listenWidely(
  server: HttpServer,
  { host, port }: { readonly host: string; readonly port: number },
  listeners = LISTENERS,
): Promise<WideListener> {
  const turn = port === 0 ? null : await takeTurn(port)
  try {
    return await listenAt(server, { host, port: await freePort(host, port) }, listeners)
  } finally {
    turn?.close()
  }
}

/** Of engines that start at the same time, one may take a port; the others reject with EADDRINUSE. The turn ends with its socket. */
async function takeTurn(port: number): Promise<Server | null> {
  if (process.platform !== 'linux') return null
  const turn = createServer()
  try {
    // A name that is no file, and goes with the process.
    await listen(turn, { path: `\0sluice-port-${port}` })
    return turn
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error
    // Where such sockets are forbidden, there are no turns.
    return null
  }
}

/** The port, where nobody has it. Asked for by one socket alone: sockets that share a port would share it with another engine, too. */
async function freePort(host: string, port: number): Promise<number> {
  const probe = createServer()
  await listen(probe, { host, port })
  const { port: free } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return free
}

async function listenAt(
  server: HttpServer,
  at: { readonly host: string; readonly port: number },
  listeners: number,
): Promise<WideListener> {
  const more: Server[] = []
  const close = () => {
    for (const listener of [server, ...more]) listener.close()
  }
  const mayShare = listeners > 1 && (await listensShared(server, at))
  if (!mayShare) await listen(server, at)
  try {
    while (mayShare && more.length + 1 < listeners) {
      // With the options an HTTP server has for itself; that one times out and closes whatever is handed to it.
      const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        server.emit('connection', socket)
      })
      await listen(listener, { ...at, reusePort: true })
      more.push(listener)
    }
  } catch (error) {
    close()
    throw error
  }
  return { port: at.port, close }
}

/** Makes the server listen on a port that others may share; false where the system has no such thing. */
async function listensShared(server: Server, at: ListenOptions): Promise<boolean> {
  try {
    await listen(server, { ...at, reusePort: true })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error
    return false
  }
}

function listen(listener: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject)
    listener.listen({ ...options, backlog: BACKLOG }, () => {
      listener.off('error', reject)
      resolve()
    })
  })
}
