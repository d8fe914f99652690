import { connect, createServer, type Socket } from 'node:net'

/** A way to a TCP server that a test can cut and mend. */
export interface TcpProxy {
  readonly port: number
  /** Breaks every connection, and each new one at once. */
  cut(): void
  /** Lets new connections through again. */
  mend(): void
  close(): Promise<void>
}

/** Stands before a server on a port of its own on loopback and passes bytes both ways. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let isCut = false
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A break shows on the other side; here it is nobody's concern.
    socket.on('error', () => {})
  }
  const server = createServer((socket) => {
    keep(socket)
    if (isCut) return void socket.resetAndDestroy()
    const onward = connect(target)
    keep(onward)
    socket.on('data', (chunk) => onward.write(chunk))
    onward.on('data', (chunk) => socket.write(chunk))
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done))
  const address = server.address()
  const breakAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut() {
      isCut = true
      breakAll()
    },
    mend() {
      isCut = false
    },
    close() {
      breakAll()
      return new Promise((done) => server.close(() => done()))
    },
  }
}
