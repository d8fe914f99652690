import ipaddr from 'ipaddr.js'

/**
 * What an IP address is to the guard. `public`: anybody may be reached there. `private`: only where the operator allowed its
 * network. `forbidden`: never, whatever is allowed, because credentials of the machine itself are served there.
 */
export type AddressClass = 'public' | 'private' | 'forbidden'

/** A network: an address and the number of its leading bits that count. */
export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Where clouds serve metadata and credentials: all of IPv4 and IPv6 link-local (AWS, Azure, GCP, Oracle, OpenStack, ECS tasks),
 * AWS over IPv6 (fd00:ec2::/32), GCP and Oracle and Scaleway over IPv6, Alibaba, Oracle Classic, Azure's wire server.
 */
const FORBIDDEN = [
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fe80::/10',
  'fd00:ec2::/32',
  'fd20:ce::/32',
  'fd00:c1::/32',
  'fd00:42::/32',
].map(parseNetwork)

/** Global unicast as IANA hands it out; everything else in IPv6 is special or unassigned. */
const GLOBAL_UNICAST_V6 = parseNetwork('2000::/3')

/** Reads a CIDR. Throws where it is none; the settings have checked theirs when the process started. */
export function parseNetwork(cidr: string): Network {
  const [address, bits] = ipaddr.parseCIDR(cidr)
  return [address, bits]
}

/** True where the address lies in one of the networks of its own family. */
function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, networks: readonly Network[]): boolean {
  return networks.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
}

/**
 * Reads an address as the kernel would reach it: brackets and zone cut, an IPv4 address in IPv6 clothes (::ffff:a.b.c.d) as
 * IPv4. Null where the text is no address in standard form.
 */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare)
  if (!bare.includes(':') || !ipaddr.IPv6.isValid(bare)) return null
  const address = ipaddr.IPv6.parse(bare)
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/**
 * The IPv4 address that a transition form carries: IPv4-compatible, SIIT (RFC 7915), NAT64 (RFC 6052, RFC 8215), 6to4
 * (RFC 3056), Teredo (RFC 4380, inverted), ISATAP (RFC 5214). Null for every other address.
 */
function embeddedV4(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const bytes = address.toByteArray()
  const at = (offset: number, invert = 0) =>
    new ipaddr.IPv4(bytes.slice(offset, offset + 4).map((byte) => byte ^ invert))
  const [first = 0, second = 0] = address.parts
  if (address.parts.slice(0, 6).every((part) => part === 0)) return at(12)
  if (address.match(ipaddr.IPv6.parse('::ffff:0:0:0'), 96)) return at(12)
  if (first === 0x64 && second === 0xff9b) return at(12)
  if (first === 0x2002) return at(2)
  if (first === 0x2001 && second === 0) return at(12, 0xff)
  const isatap = address.parts[5] === 0x5efe && [0, 0x200].includes(address.parts[4] ?? -1)
  return isatap ? at(12) : null
}

/** What the address is to everybody, before an operator allows anything. */
export function classifyAddress(address: ipaddr.IPv4 | ipaddr.IPv6): AddressClass {
  if (isIn(address, FORBIDDEN)) return 'forbidden'
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast' ? 'public' : 'private'
  const carried = embeddedV4(address)
  if (carried && classifyAddress(carried) === 'forbidden') return 'forbidden'
  if (carried && classifyAddress(carried) === 'private') return 'private'
  const isGlobal = address.match(GLOBAL_UNICAST_V6[0] as ipaddr.IPv6, GLOBAL_UNICAST_V6[1])
  return isGlobal && address.range() === 'unicast' ? 'public' : 'private'
}

/**
 * True where the address may be reached: public, or in a network the operator allowed. A transition form needs both its own
 * network and the IPv4 address it carries to be allowed, so that allowing NAT64 does not open the networks behind it.
 */
export function isAllowedAddress(address: ipaddr.IPv4 | ipaddr.IPv6, allowed: readonly Network[]): boolean {
  const kind = classifyAddress(address)
  if (kind !== 'private') return kind === 'public'
  if (!isIn(address, allowed)) return false
  const carried = address instanceof ipaddr.IPv6 && !isLoopbackV6(address) ? embeddedV4(address) : null
  return carried === null || isAllowedAddress(carried, allowed)
}

/** ::1 has the shape of an IPv4-compatible address but carries none. */
function isLoopbackV6(address: ipaddr.IPv6): boolean {
  return address.toNormalizedString() === '0:0:0:0:0:0:0:1'
}
