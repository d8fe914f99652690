import * as http from 'node:http'
import * as https from 'node:https'
import { isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { buildConnector } from 'undici'
import type { AddressGuard } from './address-guard.ts'

/** A `connect` for undici; returns the socket it is connecting, so that an abort can reach it. */
export type GuardedConnector = (target: buildConnector.Options, callback: buildConnector.Callback) => Socket | null

/**
 * A `connect` for undici that only reaches allowed addresses: literals are checked here (undici never looks them up), names
 * in the lookup of the socket, and the peer once more after connecting. HTTP/1.1 only. `timeoutMs` includes DNS and TLS.
 */
export function guardedConnector(guard: AddressGuard, options: { readonly timeoutMs: number }): GuardedConnector {
  const connectors = new Map<number, buildConnector.connector>()
  const connectorFor = (port: number) => {
    const known = connectors.get(port)
    if (known) return known
    const made = buildConnector({
      allowH2: false,
      timeout: options.timeoutMs,
      lookup: guard.lookupFor(port),
      autoSelectFamily: true,
    })
    connectors.set(port, made)
    return made
  }
  return (target, callback) => {
    const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
    try {
      if (isIP(target.hostname)) guard.checkAddress(target.hostname, port)
    } catch (error) {
      callback(asError(error), null)
      return null
    }
    // undici returns the socket although its type says nothing of it.
    const connecting: unknown = connectorFor(port)(target, (error: Error | null, socket: Socket | null) => {
      if (error || !socket) return callback(error ?? new Error('connected to nothing'), null)
      const refusal = peerRefusal(guard, socket)
      if (!refusal) return callback(null, socket)
      socket.destroy()
      callback(refusal, null)
    })
    return connecting instanceof Socket ? connecting : null
  }
}

/** Shorter than servers keep a free connection: one that is taken again must not be closed by the other side at that moment. */
const FREE_SOCKET_MS = 4_000

export interface GuardedAgentOptions extends https.AgentOptions {
  /** How long a connection stays that no request needs. */
  readonly freeSocketMs?: number
}

/**
 * A node http(s) Agent behind the guard, for clients that take one (the AWS SDK). `createConnection` is where literals are
 * checked, since node never looks them up. Free connections are closed after `freeSocketMs`, so that a request that must not be sent twice
 * is not lost on one that its server gave up.
 */
export function guardedAgent(
  guard: AddressGuard,
  protocol: 'http:' | 'https:',
  options: GuardedAgentOptions = {},
): http.Agent | https.Agent {
  return protocol === 'https:' ? new GuardedHttpsAgent(guard, options) : new GuardedHttpAgent(guard, options)
}

type Connection = Parameters<http.Agent['createConnection']>[0]
type Connected = Parameters<http.Agent['createConnection']>[1]

class GuardedHttpAgent extends http.Agent {
  readonly #guard: AddressGuard
  readonly #freeSocketMs: number

  constructor(guard: AddressGuard, { freeSocketMs = FREE_SOCKET_MS, ...options }: GuardedAgentOptions) {
    super(options)
    this.#guard = guard
    this.#freeSocketMs = freeSocketMs
  }

  override createConnection(options: Connection, callback?: Connected): Duplex | null | undefined {
    const refusal = literalRefusal(this.#guard, options, 80)
    if (refusal) return refuse(refusal, callback)
    return watched(this.#guard, 'connect', super.createConnection(guardedOptions(this.#guard, options, 80), callback))
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const isKept: unknown = super.keepSocketAlive(socket)
    setIdleLimit(socket, this.#freeSocketMs)
    return isKept !== false
  }

  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    super.reuseSocket(socket, request)
    setIdleLimit(socket, 0)
  }
}

class GuardedHttpsAgent extends https.Agent {
  readonly #guard: AddressGuard
  readonly #freeSocketMs: number

  constructor(guard: AddressGuard, { freeSocketMs = FREE_SOCKET_MS, ...options }: GuardedAgentOptions) {
    super(options)
    this.#guard = guard
    this.#freeSocketMs = freeSocketMs
  }

  override createConnection(options: Connection, callback?: Connected): Duplex | null | undefined {
    const refusal = literalRefusal(this.#guard, options, 443)
    if (refusal) return refuse(refusal, callback)
    const socket = super.createConnection(guardedOptions(this.#guard, options, 443), callback)
    return watched(this.#guard, 'secureConnect', socket)
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const isKept: unknown = super.keepSocketAlive(socket)
    setIdleLimit(socket, this.#freeSocketMs)
    return isKept !== false
  }

  override reuseSocket(socket: Duplex, request: http.ClientRequest): void {
    super.reuseSocket(socket, request)
    setIdleLimit(socket, 0)
  }
}

/** The agent destroys a free connection whose time is over; 0 for one that is in use. */
const setIdleLimit = (socket: Duplex, ms: number) => void (socket as Socket).setTimeout(ms)

function guardedOptions<T extends Connection>(guard: AddressGuard, options: T, defaultPort: number): T {
  return { ...options, lookup: guard.lookupFor(Number(options.port ?? defaultPort)) }
}

/** The refusal of an IP literal, which node connects to without a lookup; null for names and for allowed addresses. */
function literalRefusal(guard: AddressGuard, options: Connection, defaultPort: number): Error | null {
  const host = (options.host ?? 'localhost').replace(/^\[|\]$/g, '')
  if (!isIP(host)) return null
  try {
    guard.checkAddress(host, Number(options.port ?? defaultPort))
    return null
  } catch (error) {
    return asError(error)
  }
}

/** Answers the request that asked for a connection with an error, as node's own agents do. */
function refuse(refusal: Error, callback: Connected | undefined): undefined {
  if (!callback) throw refusal
  callback(refusal, undefined as unknown as Duplex)
}

function watched<T extends Duplex | null | undefined>(guard: AddressGuard, event: string, socket: T): T {
  socket?.once(event, () => {
    const refusal = peerRefusal(guard, socket as unknown as Socket)
    if (refusal) socket.destroy(refusal)
  })
  return socket
}

/** The refusal of the address a socket is really connected to, or null. */
function peerRefusal(guard: AddressGuard, socket: Socket): Error | null {
  if (!socket.remoteAddress) return null
  try {
    guard.checkAddress(socket.remoteAddress, socket.remotePort ?? 0)
    return null
  } catch (error) {
    return asError(error)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
