import { connect, type Socket } from 'node:net'

/** What readers on bare sockets came to. */
export interface SocketFigures {
  readonly bytes: number
  readonly seconds: number
  /** Connections that were cut, answers of another status, bodies of another length, and readers who were not through in time. */
  readonly errors: number
  /** Milliseconds from the first request of all to the first byte of each, in the order of the readers; null where none came. */
  readonly firstByteMs: readonly (number | null)[]
}

const READ_BYTES = 256 * 1024

/**
 * Reads the same file with so many readers at once, over sockets that are open before the first of them asks, and that read into one buffer:
 * what is simulated costs as little as it can, so that what is measured is the server. The first reader asks `leadMs` before the others.
 */
export async function readOverSockets(
  url: string,
  options: {
    readonly readers: number
    readonly range: string | null
    readonly bodyBytes: number
    readonly leadMs: number
    readonly limitMs: number
  },
): Promise<SocketFigures> {
  const { hostname, port, pathname, search } = new URL(url)
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  const range = options.range === null ? '' : `Range: ${options.range}\r\n`
  const question = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${range}Connection: close\r\n\r\n`
  const firstByteMs: (number | null)[] = Array(options.readers).fill(null)
  let bytes = 0
  let errors = 0
  let startedMs = 0

  const open = (reader: number) => {
    const done = Promise.withResolvers<void>()
    const connected = Promise.withResolvers<void>()
    let headText = ''
    let bodyBytes = -1
    const take = (length: number): boolean => {
      firstByteMs[reader] ??= performance.now() - startedMs
      bytes += length
      if (bodyBytes >= 0) bodyBytes += length
      else {
        headText += buffer.toString('latin1', 0, length)
        const end = headText.indexOf('\r\n\r\n')
        if (end >= 0) bodyBytes = headText.length - end - 4
      }
      return true
    }
    const socket: Socket = connect({
      host: hostname,
      port: Number(port),
      onread: { buffer, callback: take },
    })
    const end = () => {
      if (!/^HTTP\/1\.1 20[06] /.test(headText) || bodyBytes !== options.bodyBytes) errors++
      connected.resolve()
      done.resolve()
    }
    socket.once('connect', connected.resolve)
    socket.on('error', () => undefined)
    socket.once('close', end)
    return { socket, done: done.promise, connected: connected.promise }
  }

  const readers = Array.from({ length: options.readers }, (_, reader) => open(reader))
  const limit = setTimeout(() => {
    for (const { socket } of readers) socket.destroy()
  }, options.limitMs)
  await Promise.all(readers.map(({ connected }) => connected))
  startedMs = performance.now()
  readers[0]?.socket.write(question)
  if (options.leadMs > 0) await new Promise((resolve) => setTimeout(resolve, options.leadMs))
  for (const { socket } of readers.slice(1)) socket.write(question)
  await Promise.all(readers.map(({ done }) => done))
  clearTimeout(limit)
  return { bytes, seconds: (performance.now() - startedMs) / 1000, errors, firstByteMs }
}
