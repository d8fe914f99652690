import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns'
import ipaddr from 'ipaddr.js'
import { TransferError } from '../../server/domain/failure.ts'
import { sourceUrlProblem } from '../../server/domain/transfer-input.ts'
import { classifyAddress, isAllowedAddress, parseAddress, parseNetwork } from './address-class.ts'

/** The form of `lookup` that node's net, tls and http(s) take. */
export type GuardedLookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

/**
 * Decides which addresses the engine may connect to. Every connection to a source or a bucket passes it: the URL before it
 * is used, the answers of DNS in the lookup of the socket itself, and the peer of the socket once it is connected.
 */
export interface AddressGuard {
  /** A URL that may be asked for. Throws TransferError invalid_url, unsupported_scheme or address_refused. */
  checkUrl(text: string): URL
  /** Throws TransferError address_refused where this address and port may not be reached. */
  checkAddress(ip: string, port: number): void
  /** Resolves a name to allowed addresses only; fails with address_refused where none is left. For sockets to `port`. */
  lookupFor(port: number): GuardedLookup
  /** As `lookupFor`, where the port is not known: exempt listeners are not exempt then. */
  readonly lookup: GuardedLookup
}

/** How names are resolved; tests put their own DNS here. */
export type Resolver = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const resolveAll: Resolver = (hostname, options, callback) =>
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => callback(error, addresses))

/** Names that mean this machine or its network (RFC 6761, RFC 6762, RFC 8375, RFC 9476), and those of metadata services. */
const INTERNAL_NAME = /(^|\.)(localhost|localdomain|local|internal|home\.arpa|lan|intranet|corp|home)$/
const METADATA_NAME = /(^|\.)(metadata\.google\.internal|instance-data|instance-data\.ec2\.internal|metadata)$/

/**
 * Makes the guard. `allowedNetworks` are CIDRs that may be reached although private (SLUICE_ALLOWED_PRIVATE_NETWORKS);
 * `exemptListeners` are the embedded servers, reachable by exact address and port. Cloud metadata is never allowed.
 */
export function createAddressGuard(options: {
  readonly allowedNetworks: readonly string[]
  readonly exemptListeners: readonly { readonly host: string; readonly port: number }[]
  readonly resolver?: Resolver
}): AddressGuard {
  const allowed = options.allowedNetworks.map(parseNetwork)
  const exempt = new Set(options.exemptListeners.map(({ host, port }) => `${canonical(host)} ${port}`))
  const exemptPorts = new Set(options.exemptListeners.map(({ port }) => port))
  const resolver = options.resolver ?? resolveAll

  const isAllowed = (ip: string, port: number | null): boolean => {
    const address = parseAddress(ip)
    if (!address) return false
    if (port !== null && exempt.has(`${address.toNormalizedString()} ${port}`)) return true
    return isAllowedAddress(address, allowed)
  }

  const checkAddress = (ip: string, port: number): void => {
    if (!isAllowed(ip, port)) throw addressRefused(ip, port)
  }

  const checkName = (hostname: string, port: number): void => {
    const name = hostname.toLowerCase().replace(/\.$/, '')
    if (METADATA_NAME.test(name)) throw nameRefused(hostname, `it names a place ${NO_REMEDY}`)
    // With allowed networks the addresses decide; without any, such a name can only lead to a refusal.
    if (allowed.length > 0 || (name === 'localhost' && exemptPorts.has(port))) return
    if (INTERNAL_NAME.test(name)) throw nameRefused(hostname, `it names a machine in a private network. ${REMEDY}`)
  }

  const lookupFor =
    (port: number | null): GuardedLookup =>
    (hostname, lookupOptions, callback) => {
      resolver(hostname, lookupOptions, (error, addresses) => {
        if (error) return callback(error, [])
        const usable = addresses.filter(({ address }) => isAllowed(address, port))
        const [first] = usable
        if (!first) return callback(refusedAnswers(hostname, addresses), [])
        if (lookupOptions.all) return callback(null, usable)
        callback(null, first.address, first.family)
      })
    }

  return {
    checkUrl(text) {
      const url = parseStrictly(text)
      const port = portOf(url)
      if (parseAddress(url.hostname)) checkAddress(url.hostname, port)
      else checkName(url.hostname, port)
      return url
    },
    checkAddress,
    lookupFor,
    lookup: lookupFor(null),
  }
}

/** The port a URL leads to, its scheme's own where none is written. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** Looks at the raw text before the parser repairs it: what is written must be what is asked for. */
function parseStrictly(text: string): URL {
  const problem = sourceUrlProblem(text)
  if (problem) throw new TransferError(problem.code, problem.message)
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1] ?? ''
  if (authority === '')
    throw new TransferError('invalid_url', 'The link has no host name after "//". Check that it is complete.')
  if (authority.includes('@'))
    throw new TransferError(
      'invalid_url',
      'The link has an "@" before its path. Send a user name and password as an Authorization header instead.',
    )
  const url = new URL(text)
  url.hash = ''
  return url
}

function canonical(host: string): string {
  return parseAddress(host)?.toNormalizedString() ?? host
}

/** An address as people write it, such as ::1. */
function readable(ip: string): string {
  const address = parseAddress(ip)
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : (address?.toString() ?? ip)
}

function isForbidden(ip: string): boolean {
  const address = parseAddress(ip)
  return address !== null && classifyAddress(address) === 'forbidden'
}

const REMEDY =
  'If Sluice should read there, the operator can add its network to SLUICE_ALLOWED_PRIVATE_NETWORKS (for example 10.0.0.0/8) and restart.'

const NO_REMEDY =
  'where clouds give out credentials of the machine. SLUICE_ALLOWED_PRIVATE_NETWORKS cannot allow that; use the link of the file itself.'

function addressRefused(ip: string, port: number): TransferError {
  const why = isForbidden(ip) ? `it is an address ${NO_REMEDY}` : `it is not a public address. ${REMEDY}`
  return new TransferError('address_refused', `Sluice does not connect to ${readable(ip)}: ${why}`, {
    facts: { address: ip, port },
  })
}

function nameRefused(hostname: string, why: string): TransferError {
  return new TransferError('address_refused', `Sluice does not connect to ${hostname}: ${why}`, {
    facts: { hostname },
  })
}

function refusedAnswers(hostname: string, addresses: readonly LookupAddress[]): TransferError {
  const shown = addresses
    .slice(0, 3)
    .map(({ address }) => readable(address))
    .join(', ')
  return new TransferError(
    'address_refused',
    `Sluice does not connect to ${hostname}: it resolves to ${shown || 'no address'}, ${
      addresses.length > 0 && addresses.every(({ address }) => isForbidden(address))
        ? NO_REMEDY
        : `which is not public. ${REMEDY}`
    }`,
    { facts: { hostname, addresses: shown } },
  )
}
