import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

/** A request as it came, and the socket to misbehave on. */
export interface ScriptedRequest {
  /** Request line and headers, without the empty line. */
  readonly head: string
  readonly socket: Socket
  /** Which connection, from 0, and which request on it, from 0. */
  readonly connection: number
  readonly nth: number
}

/** A TCP or TLS server that writes what a test says, byte for byte, to requests without a body. */
export async function startScriptedServer(onRequest: (request: ScriptedRequest) => void, tls?: TlsOptions) {
  const sockets = new Set<Socket>()
  let connections = 0
  const serve = (socket: Socket) => {
    const connection = connections++
    let text = ''
    let nth = 0
    sockets.add(socket)
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end)
        text = text.slice(end + 4)
        onRequest({ head, socket, connection, nth: nth++ })
      }
    })
  }
  const server = tls ? createTlsServer(tls, serve) : createServer(serve)
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    port,
    sockets,
    /** How many connections there have been. */
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
