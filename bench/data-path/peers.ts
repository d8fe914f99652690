import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { fillPattern } from '../../src/engine/testing/byte-pattern.ts'

// A process of its own: the source that serves ranges of a file in memory, or the sink that takes parts and forgets them.

const MIB = 1024 * 1024
const [role, filesText] = process.argv.slice(2)
const tls = JSON.parse(filesText ?? 'null') as { key: string; cert: string } | null

/** Serves ranges of a pattern, 1 MiB a write. */
function startSource(sizeBytes: number) {
  const block = Buffer.alloc(MIB)
  fillPattern(block, 0)
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const [, from = '0', to = String(sizeBytes - 1)] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    let left = Number(to) + 1 - Number(from)
    response.writeHead(206, {
      'content-length': left,
      'content-range': `bytes ${from}-${to}/${sizeBytes}`,
      etag: '"bench"',
    })
    const more = () => {
      while (left > 0) {
        const bytes = Math.min(left, MIB)
        left -= bytes
        if (!response.write(block.subarray(0, bytes))) {
          response.once('drain', more)
          return
        }
      }
      response.end()
    }
    more()
  }
  return tls ? createHttpsServer(tls, answer) : createHttpServer(answer)
}

/** Reads requests to the end by their Content-Length, into one reused buffer, and says that it has them. */
function startSink() {
  const serve = (socket: Socket) => {
    let left = 0
    let head = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      let at = 0
      while (at < chunk.length) {
        if (left === 0) {
          head += chunk.toString('latin1', at)
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          at = chunk.length - (head.length - end - 4)
          left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
          head = ''
        }
        const taken = Math.min(left, chunk.length - at)
        left -= taken
        at += taken
        if (left === 0) socket.write('HTTP/1.1 200 OK\r\netag: "bench"\r\ncontent-length: 0\r\n\r\n')
      }
    })
  }
  return tls ? createTlsServer({ ...tls, highWaterMark: MIB }, serve) : createTcpServer({ highWaterMark: MIB }, serve)
}

const server = role === 'sink' ? startSink() : startSource(64 * MIB)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address ? address.port : 0)
})
process.once('disconnect', () => process.exit())
