import { isIP, type OnReadOpts, type Socket, connect as tcpConnect } from 'node:net'
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls'
import type { AddressGuard } from '../address-guard.ts'
import { type OriginMemory, rememberingLookup } from './origin-memory.ts'
import { startPatientTimer } from './patient-timer.ts'
import { WireError } from './wire-error.ts'

export interface ConnectOptions {
  readonly guard: AddressGuard
  /** From the start of the lookup to the end of the TLS handshake. */
  readonly timeoutMs: number
  /** Added to what is set here; tests bring their own trust. */
  readonly tls?: ConnectionOptions
  /** What is offered in the TLS handshake (ALPN, RFC 7301), the best first; HTTP/1.1 where it is left out. */
  readonly protocols?: readonly string[]
}

export interface Connecting {
  /** Gives it up at once; nothing is called any more. */
  cancel(): void
}

/**
 * Connects to the origin of `url` through the address guard: literals are checked here (node never looks them up), names in
 * the lookup of the socket, the peer once more when it is connected. TLS verifies chain and name, sends SNI for names, and takes
 * up the session of an earlier connection to the same origin out of `memory`. Exactly one of the two is called, unless cancelled.
 */
export function connectSocket(
  url: URL,
  options: ConnectOptions,
  memory: OriginMemory,
  onread: OnReadOpts | null,
  onReady: (socket: Socket) => void,
  onFailed: (error: unknown) => void,
): Connecting {
  const isTls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (isTls ? 443 : 80))
  let isOver = false
  let socket: Socket | null = null
  const settle = () => {
    isOver = true
    timer.stop()
    socket?.off('error', fail).off('close', closed)
  }
  const fail = (error: unknown) => {
    if (isOver) return
    settle()
    memory.session = null
    memory.address = null
    // What comes of it later is nobody's concern; without a listener it would end the process.
    socket?.on('error', () => undefined).destroy()
    onFailed(error)
  }
  const closed = () => fail(new WireError('HTTP1_CLOSED', 'The connection was closed before it was ready.'))
  const timer = startPatientTimer(options.timeoutMs, () =>
    fail(new WireError('HTTP1_CONNECT_TIMEOUT', `No connection within ${options.timeoutMs} ms.`)),
  )
  const ready = () => {
    if (isOver || !socket) return
    // Without an address the peer has gone again already.
    if (!socket.remoteAddress) return closed()
    try {
      options.guard.checkAddress(socket.remoteAddress, socket.remotePort ?? 0)
    } catch (error) {
      return fail(error)
    }
    settle()
    memory.address = socket.remoteAddress
    onReady(socket.setNoDelay(true).setKeepAlive(true, 60_000))
  }
  try {
    if (isIP(host)) options.guard.checkAddress(host, port)
    const common = {
      host,
      port,
      lookup: rememberingLookup(options.guard.lookupFor(port), memory),
      autoSelectFamily: true,
      ...(onread && { onread }),
    }
    socket = isTls
      ? openTls({ ...common, ...options.tls }, options.protocols ?? ['http/1.1'], memory).on('secureConnect', ready)
      : tcpConnect(common).on('connect', ready)
    socket.on('error', fail).on('close', closed)
  } catch (error) {
    // Later, as every other failure, so that nobody is called before this function has returned.
    queueMicrotask(() => fail(error))
  }
  return {
    cancel() {
      if (isOver) return
      settle()
      socket?.on('error', () => undefined).destroy()
    },
  }
}

function openTls(
  options: ConnectionOptions & { readonly host: string },
  protocols: readonly string[],
  memory: OriginMemory,
): TLSSocket {
  const name = options.host.replace(/\.$/, '')
  const { session } = memory
  const socket = tlsConnect({
    ...options,
    ...(isIP(name) ? {} : { servername: name }),
    ...(session && { session }),
    ALPNProtocols: [...protocols],
  })
  let isVerified = false
  let latest: Buffer | null = null
  const keep = () => {
    if (isVerified && latest) memory.session = latest
  }
  // A session is only taken up again where its first handshake was verified.
  return socket
    .on('session', (ticket: Buffer) => {
      latest = ticket
      keep()
    })
    .on('secureConnect', () => {
      isVerified = true
      keep()
    })
}
