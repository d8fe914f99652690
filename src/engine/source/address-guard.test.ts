import type { LookupAddress } from 'node:dns'
import { describe, expect, test } from 'vitest'
import { TransferError } from '../../server/domain/failure.ts'
import { type AddressGuard, createAddressGuard, type Resolver } from './address-guard.ts'

/** A DNS of our own: names to addresses; what is not in it does not exist. */
const ZONE: Record<string, string[]> = {
  'public.example': ['93.184.216.34'],
  'public6.example': ['2606:2800:220:1:248:1893:25c8:1946'],
  'private.example': ['10.1.2.3'],
  'loop.example': ['127.0.0.1'],
  '127.0.0.1.nip.io': ['127.0.0.1'],
  '0x7f000001.nip.io': ['127.0.0.1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'nat64-public.example': ['64:ff9b::5db8:d822'],
  'metadata.example': ['169.254.169.254'],
  'alibaba.example': ['100.100.100.200'],
  'ula.example': ['fd12:3456::1'],
  'mixed.example': ['64:ff9b::5db8:d822', '10.0.0.1', '93.184.216.34'],
  'empty.example': [],
  localhost: ['::1', '127.0.0.1'],
}

const resolver: Resolver = (hostname, _options, callback) => {
  const found = ZONE[hostname]
  if (!found) return callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), [])
  callback(
    null,
    found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
  )
}

function guardWith(allowedNetworks: string[], exemptListeners: { host: string; port: number }[] = []): AddressGuard {
  return createAddressGuard({ allowedNetworks, exemptListeners, resolver })
}

function lookUp(guard: AddressGuard, hostname: string, port = 80): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    guard.lookupFor(port)(hostname, { all: true }, (error, addresses) => {
      if (error) reject(error)
      else resolve(addresses as LookupAddress[])
    })
  })
}

/** How a URL fares with the guard from text to connect: the code of the refusal, or `reached`. */
async function fate(guard: AddressGuard, text: string): Promise<string> {
  try {
    const url = guard.checkUrl(text)
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
    if (!/^[\d.]+$|^\[/.test(url.hostname)) await lookUp(guard, url.hostname, port)
    return 'reached'
  } catch (error) {
    return error instanceof TransferError ? error.code : `raw ${(error as NodeJS.ErrnoException).code}`
  }
}

const REFUSED_ADDRESSES = [
  // IPv4 in every spelling the URL parser understands.
  'http://127.0.0.1/',
  'http://127.0.0.1:9000/',
  'http://127.1/',
  'http://127.0.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.0.0.1/',
  'http://0177.0.0.1/',
  'http://017700000001/',
  'http://127.0.0.1./',
  'http://127.127.127.127/',
  'http://0/',
  'http://0.0.0.0/',
  'http://0.1.2.3/',
  'http://10.0.0.1/',
  'http://10.255.255.255/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.0.1/',
  'http://100.64.0.1/',
  'http://100.127.255.254/',
  'http://192.0.0.1/',
  'http://192.0.2.1/',
  'http://198.51.100.1/',
  'http://203.0.113.1/',
  'http://192.88.99.1/',
  'http://198.18.0.1/',
  'http://198.19.255.255/',
  'http://224.0.0.1/',
  'http://239.255.255.255/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  // Metadata and credentials of clouds.
  'http://169.254.169.254/latest/meta-data/',
  'http://169.254.170.2/v2/credentials',
  'http://169.254.170.23/v1/credentials',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://0xA9.0xFE.0xA9.0xFE/',
  'http://0251.0376.0251.0376/',
  'http://100.100.100.200/',
  'http://192.0.0.192/',
  'http://168.63.129.16/',
  'http://[fd00:ec2::254]/',
  'http://[fd20:ce::254]/',
  'http://[fe80::a9fe:a9fe]/',
  'http://[fd00:c1::a9fe:a9fe]/',
  'http://[fd00:42::42]/',
  // IPv6.
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://[::ffff:10.0.0.1]/',
  'http://[::127.0.0.1]/',
  'http://[::93.184.216.34]/',
  'http://[::ffff:0:127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b::93.184.216.34]/',
  'http://[64:ff9b:1::10.0.0.1]/',
  'http://[2002:7f00:1::]/',
  'http://[2002:a9fe:a9fe::1]/',
  'http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/',
  'http://[2001:db8::1]/',
  'http://[3fff::1]/',
  'http://[5f00::1]/',
  'http://[100::1]/',
  'http://[fc00::1]/',
  'http://[fd12:3456::1]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://[4000::1]/',
  'http://[2001:2::1]/',
  'http://[2001:20::1]/',
  'http://[2620:4f:8000::1]/',
  'http://[2606:2800:220:1:0:5efe:10.0.0.1]/',
  // Names.
  'http://localhost/',
  'http://LOCALHOST/',
  'http://localhost./',
  'http://foo.localhost/',
  'http://localhost.localdomain/',
  'http://printer.local/',
  'http://db.internal/',
  'http://router.home.arpa/',
  'http://metadata.google.internal/computeMetadata/v1/',
  'http://instance-data/latest/',
  'http://127.0.0.1.nip.io/',
  'http://0x7f000001.nip.io/',
  'http://private.example/',
  'http://loop.example/',
  'http://mapped.example/',
  'http://nat64.example/',
  'http://nat64-public.example/',
  'http://metadata.example/',
  'http://alibaba.example/',
  'http://ula.example/',
  'http://empty.example/',
  // What Unicode and escapes turn into an address.
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://１２７.０.０.１/',
  'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
  'http://local\u00adhost/',
  'http://%6c%6f%63%61%6c%68%6f%73%74/',
  'http://%31%32%37.0.0.1/',
]

const REFUSED_TEXTS: [string, string][] = [
  ['', 'invalid_url'],
  ['example.com/file', 'invalid_url'],
  ['//127.0.0.1/', 'invalid_url'],
  ['http:/127.0.0.1/', 'invalid_url'],
  ['http:127.0.0.1/', 'invalid_url'],
  ['http:///127.0.0.1/', 'invalid_url'],
  ['http://', 'invalid_url'],
  ['http://256.256.256.256/', 'invalid_url'],
  ['http://4294967296/', 'invalid_url'],
  ['http://127.0.0.0x100/', 'invalid_url'],
  ['http://user@93.184.216.34/', 'invalid_url'],
  ['http://user:pw@93.184.216.34/', 'invalid_url'],
  ['http://93.184.216.34@127.0.0.1/', 'invalid_url'],
  ['http://@127.0.0.1/', 'invalid_url'],
  ['http://:@93.184.216.34/', 'invalid_url'],
  ['http://93.184.216.34\\@127.0.0.1/', 'invalid_url'],
  ['http:\\\\127.0.0.1\\', 'invalid_url'],
  ['http://127.0.0.1\t.example/', 'invalid_url'],
  ['ht\ntp://127.0.0.1/', 'invalid_url'],
  [' http://93.184.216.34/', 'invalid_url'],
  ['http://93.184.216.34/ HTTP/1.1\r\nHost: x', 'invalid_url'],
  ['http://93.184.216.34:0/', 'invalid_url'],
  ['http://93.184.216.34:65536/', 'invalid_url'],
  ['http://[fe80::1%25eth0]/', 'invalid_url'],
  ['http://[::1', 'invalid_url'],
  ['file:///etc/passwd', 'unsupported_scheme'],
  ['ftp://93.184.216.34/', 'unsupported_scheme'],
  ['gopher://127.0.0.1:6379/_INFO', 'unsupported_scheme'],
  ['dict://127.0.0.1:11211/stat', 'unsupported_scheme'],
  ['data:text/plain,hello', 'unsupported_scheme'],
  ['blob:http://93.184.216.34/x', 'unsupported_scheme'],
  ['ws://93.184.216.34/', 'unsupported_scheme'],
  ['jar:http://93.184.216.34/a!/', 'unsupported_scheme'],
  ['javascript:alert(1)', 'unsupported_scheme'],
]

describe('without allowed networks', () => {
  const guard = guardWith([])

  test.each(REFUSED_ADDRESSES)('correctness 28: %s is refused as an address', async (url) => {
    expect(await fate(guard, url)).toBe('address_refused')
  })

  test.each(REFUSED_TEXTS)('correctness 28: the text %j is refused as %s', async (text, code) => {
    expect(await fate(guard, text)).toBe(code)
  })

  test.each([
    'http://93.184.216.34/file',
    'https://93.184.216.34:8443/file?a=b',
    'http://[2606:2800:220:1:248:1893:25c8:1946]/',
    'http://public.example/',
    'https://public6.example/',
    'http://mixed.example/',
    'http://172.32.0.1/',
    'http://100.128.0.1/',
    'http://11.0.0.1/',
  ])('%s is reached', async (url) => {
    expect(await fate(guard, url)).toBe('reached')
  })

  test('a name that does not exist is passed on as the error of DNS', async () => {
    expect(await fate(guard, 'http://nowhere.example/')).toBe('raw ENOTFOUND')
  })

  test('mixed answers are filtered, not failed: only the public address is connected to', async () => {
    expect(await lookUp(guard, 'mixed.example')).toEqual([{ address: '93.184.216.34', family: 4 }])
  })

  test('a lookup for a single address gets the first allowed one', async () => {
    const answer = await new Promise((resolve) =>
      guard.lookup('mixed.example', {}, (_error, address, family) => resolve([address, family])),
    )
    expect(answer).toEqual(['93.184.216.34', 4])
  })

  test('a refusal says which setting would allow it', () => {
    expect(() => guard.checkUrl('http://10.1.2.3/')).toThrow(/10\.1\.2\.3.*SLUICE_ALLOWED_PRIVATE_NETWORKS/)
  })

  test('the fragment is cut and the host is written in its standard form', () => {
    expect(guard.checkUrl('HTTP://PUBLIC.example:80/a#secret').href).toBe('http://public.example/a')
  })
})

describe('with allowed networks', () => {
  const guard = guardWith(['127.0.0.0/8', '10.0.0.0/8', 'fd12::/16', '::1/128'])

  test.each([
    'http://127.0.0.1:8080/',
    'http://2130706433/',
    'http://[::ffff:10.0.0.1]/',
    'http://[::1]/',
    'http://[fd12:3456::1]/',
    'http://localhost/',
    'http://private.example/',
  ])('%s is reached', async (url) => {
    expect(await fate(guard, url)).toBe('reached')
  })

  test.each(['http://192.168.0.1/', 'http://172.16.0.1/', 'http://[fd13::1]/', 'http://metadata.google.internal/'])(
    '%s is still refused',
    async (url) => {
      expect(await fate(guard, url)).toBe('address_refused')
    },
  )

  test('cloud metadata stays out of reach even where everything is allowed', async () => {
    const open = guardWith(['0.0.0.0/0', '::/0'])
    const forbidden = [
      'http://169.254.169.254/',
      'http://[::ffff:169.254.169.254]/',
      'http://[64:ff9b::a9fe:a9fe]/',
      'http://[2002:a9fe:a9fe::1]/',
      'http://[fd00:ec2::254]/',
      'http://[fe80::a9fe:a9fe]/',
      'http://100.100.100.200/',
      'http://168.63.129.16/',
      'http://192.0.0.192/',
      'http://metadata.example/',
      'http://alibaba.example/',
    ]
    for (const url of forbidden) expect([url, await fate(open, url)]).toEqual([url, 'address_refused'])
    expect(await fate(open, 'http://10.9.8.7/')).toBe('reached')
  })

  test('a NAT64 prefix that is allowed opens public addresses, not the private ones behind it', async () => {
    const nat64 = guardWith(['64:ff9b::/96'])
    expect(await fate(nat64, 'http://nat64-public.example/')).toBe('reached')
    expect(await fate(nat64, 'http://nat64.example/')).toBe('address_refused')
  })
})

describe('with exempt listeners', () => {
  const guard = guardWith([], [{ host: '127.0.0.1', port: 9000 }])

  test('the exact address and port are reached, by literal and by localhost', async () => {
    expect(await fate(guard, 'http://127.0.0.1:9000/')).toBe('reached')
    expect(await fate(guard, 'http://localhost:9000/')).toBe('reached')
    expect(await lookUp(guard, 'localhost', 9000)).toEqual([{ address: '127.0.0.1', family: 4 }])
  })

  test.each(['http://127.0.0.1:9001/', 'http://127.0.0.2:9000/', 'http://[::1]:9000/', 'http://localhost:9001/'])(
    '%s is another place and refused',
    async (url) => {
      expect(await fate(guard, url)).toBe('address_refused')
    },
  )

  test('a lookup that does not know its port exempts nothing', async () => {
    const refusal = new Promise((_resolve, reject) => guard.lookup('localhost', { all: true }, reject))
    await expect(refusal).rejects.toMatchObject({ code: 'address_refused' })
  })
})

describe('the sentence of a refusal', () => {
  const guard = createAddressGuard({ allowedNetworks: [], exemptListeners: [] })

  test('names the setting that would allow the address, and writes the address as people do', () => {
    expect(() => guard.checkUrl('http://[0:0:0:0:0:0:0:1]:9/')).toThrow(
      /connect to ::1: it is not a public address\. .*add its network to SLUICE_ALLOWED_PRIVATE_NETWORKS/,
    )
  })

  test.each(['http://169.254.169.254/', 'http://[fd00:ec2::254]/', 'http://metadata.google.internal/'])(
    'does not promise that a setting could allow %s',
    (url) => {
      expect(() => guard.checkUrl(url)).toThrow(/SLUICE_ALLOWED_PRIVATE_NETWORKS cannot allow that/)
      expect(() => guard.checkUrl(url)).not.toThrow(/can add its network/)
    },
  )
})
