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
  // Alone first: sockets that share a port would share it with another engine, too.
  const probe = createServer()
  await listen(probe, { host, port })
  const own = { host, port: (probe.address() as AddressInfo).port }
  await new Promise((resolve) => probe.close(resolve))
  const more: Server[] = []
  const close = () => {
    for (const listener of [server, ...more]) listener.close()
  }
  const mayShare = listeners > 1 && (await listensShared(server, own))
  if (!mayShare) await listen(server, own)
  try {
    while (mayShare && more.length + 1 < listeners) {
      // With the options an HTTP server has for itself; that one counts and times out whatever is handed to it.
      const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        server.emit('connection', socket)
      })
      await listen(listener, { ...own, reusePort: true })
      more.push(listener)
    }
  } catch (error) {
    close()
    throw error
  }
  return { port: own.port, close }
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
