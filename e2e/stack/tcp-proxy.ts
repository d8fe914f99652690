import { connect, createServer, type Socket } from 'node:net'

/** A way to a TCP server that a test can cut, freeze and mend. */
export interface TcpProxy {
  readonly port: number
  /** Breaks every connection, and each new one at once. */
  cut(): void
  /** Lets no byte through any more and breaks nothing, as a partition does: both sides wait. New connections are taken and stay silent. */
  freeze(): void
  /** Breaks the connections there are; new ones get through. */
  reset(): void
  /** After a freeze: new connections get through, those there were stay silent for ever. */
  letNewThrough(): void
  /** Lets bytes and new connections through again. */
  mend(): void
  close(): Promise<void>
}

/** Stands before a server on a port of its own (on loopback, unless another address is given) and passes bytes both ways. */
export async function startTcpProxy(
  target: { readonly host: string; readonly port: number },
  listenHost = '127.0.0.1',
): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let state: 'open' | 'cut' | 'frozen' = 'open'
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A break shows on the other side; here it is nobody's concern.
    socket.on('error', () => {})
    if (state === 'frozen') socket.pause()
  }
  const server = createServer((socket) => {
    if (state === 'cut') {
      socket.on('error', () => {})
      return void socket.resetAndDestroy()
    }
    const onward = connect(target)
    socket.on('data', (chunk) => onward.write(chunk))
    onward.on('data', (chunk) => socket.write(chunk))
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
    keep(socket)
    keep(onward)
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, listenHost, done))
  const address = server.address()
  const breakAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut() {
      state = 'cut'
      breakAll()
    },
    freeze() {
      state = 'frozen'
      for (const socket of sockets) socket.pause()
    },
    reset: breakAll,
    letNewThrough() {
      state = 'open'
    },
    mend() {
      state = 'open'
      for (const socket of sockets) socket.resume()
    },
    close() {
      state = 'cut'
      breakAll()
      return new Promise((done) => server.close(() => done()))
    },
  }
}
