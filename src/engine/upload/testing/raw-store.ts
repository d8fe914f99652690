import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

/** One request as it came over the wire. Its body is read only when asked for, so a test decides how fast. */
export interface RawRequest {
  readonly line: string
  readonly headers: Readonly<Record<string, string>>
  readonly socket: Socket
  /** How many requests came on this connection before. */
  readonly nth: number
  /** So many bytes of the body, fewer where the connection ended first. */
  read(bytes: number): Promise<Buffer>
  /** All that Content-Length announces. */
  readAll(): Promise<Buffer>
  answer(status: string, headers?: Record<string, string>, body?: string): void
}

/** A server that speaks just enough HTTP/1.1 to look at what a client really sends, and to misbehave. */
export async function startRawStore(onRequest: (request: RawRequest) => Promise<void> | void, tls?: TlsOptions) {
  const sockets = new Set<Socket>()
  const serve = (socket: Socket) => {
    sockets.add(socket)
    // Each wait for more bytes leaves listeners behind.
    socket.setMaxListeners(0)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    void serveConnection(socket, onRequest)
  }
  const server = tls ? createTlsServer(tls, serve) : createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function serveConnection(socket: Socket, onRequest: (request: RawRequest) => Promise<void> | void) {
  let buffered: Buffer = Buffer.alloc(0)
  /** More bytes, or false where there are none to come. */
  const more = async (): Promise<boolean> => {
    for (;;) {
      const chunk: Buffer | null = socket.read()
      if (chunk) {
        buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
        return true
      }
      if (socket.readableEnded || socket.destroyed) return false
      await Promise.race(['readable', 'end', 'close'].map((event) => once(socket, event).catch(() => undefined)))
    }
  }
  const take = (bytes: number) => {
    const taken = buffered.subarray(0, bytes)
    buffered = buffered.subarray(taken.length)
    return taken
  }
  for (let nth = 0; ; nth++) {
    let end = buffered.indexOf('\r\n\r\n')
    while (end < 0) {
      if (!(await more())) return
      end = buffered.indexOf('\r\n\r\n')
    }
    const [line = '', ...fields] = take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n')
    const headers = Object.fromEntries(
      fields.map((field) => {
        const colon = field.indexOf(':')
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
      }),
    )
    const read = async (bytes: number) => {
      const pieces: Buffer[] = []
      let missing = bytes
      while (missing > 0) {
        const piece = take(missing)
        pieces.push(piece)
        missing -= piece.length
        if (missing > 0 && !(await more())) break
      }
      return Buffer.concat(pieces)
    }
    await onRequest({
      line,
      headers,
      socket,
      nth,
      read,
      readAll: () => read(Number(headers['content-length'] ?? 0)),
      answer(status, answerHeaders = {}, body = '') {
        const all = { 'content-length': String(Buffer.byteLength(body)), ...answerHeaders }
        const text = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
        socket.write(`HTTP/1.1 ${status}\r\n${text.join('')}\r\n${body}`)
      },
    })
  }
}
