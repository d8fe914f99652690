import * as http from 'node:http'
import * as https from 'node:https'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { selfSignedCertificate } from '../testing/hostile-certificate.ts'
import { createHostileSource, type HostileSource } from '../testing/hostile-source.ts'
import { createAddressGuard, type Resolver } from './address-guard.ts'
import { guardedAgent } from './guarded-connect.ts'
import { HTTP_CLIENTS } from './http-client.ts'
import { createSource } from './http-source.ts'

describe.each(HTTP_CLIENTS)('over %s', (httpClient) => {
  let hostile: HostileSource
  let agents: (http.Agent | https.Agent)[] = []
  beforeEach(async () => {
    hostile = await createHostileSource()
  })
  afterEach(async () => {
    for (const agent of agents) agent.destroy()
    agents = []
    await hostile.close()
  })

  /** Every name is this machine, in both forms. */
  const allHere: Resolver = (_hostname, _options, callback) =>
    callback(null, [
      { address: '::ffff:10.0.0.1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ])

  function agentWith(allowedNetworks: string[], exemptListeners: { host: string; port: number }[] = []) {
    const guard = createAddressGuard({ allowedNetworks, exemptListeners, resolver: allHere })
    const agent = guardedAgent(guard, 'http:', { keepAlive: true })
    agents.push(agent)
    return agent
  }

  function get(url: string, agent: http.Agent | https.Agent, options: https.RequestOptions = {}): Promise<number> {
    const client = url.startsWith('https:') ? https : http
    return new Promise((resolve, reject) => {
      client
        .get(url, { agent, ...options }, (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
          response.on('error', reject)
        })
        .on('error', reject)
    })
  }

  describe('a guarded agent for node clients', () => {
    test('correctness 28: an IP literal is refused although node never looks it up', async () => {
      const url = hostile.serve('/f', { sizeBytes: 10 })
      await expect(get(url, agentWith([]))).rejects.toMatchObject({ code: 'address_refused' })
      const metadata = get('http://169.254.169.254/', agentWith(['0.0.0.0/0']))
      await expect(metadata).rejects.toMatchObject({ code: 'address_refused' })
      await expect(get('http://[::1]:9/', agentWith([]))).rejects.toMatchObject({ code: 'address_refused' })
      expect(hostile.connections().peak).toBe(0)
    })

    test('a free connection is used again, and closed before its server would close it', async () => {
      const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
      const agent = guardedAgent(guard, 'http:', { keepAlive: true, freeSocketMs: 50 })
      agents.push(agent)
      const url = hostile.serve('/f', { sizeBytes: 10 })
      expect([await get(url, agent), await get(url, agent)]).toEqual([200, 200])
      expect(hostile.connections()).toEqual({ open: 1, peak: 1 })
      await hostile.until(() => hostile.connections().open === 0)
      expect(await get(url, agent)).toBe(200)
      expect(hostile.connections()).toEqual({ open: 1, peak: 1 })
    })

    test('correctness 28: a name that resolves to a private address is refused in the lookup', async () => {
      hostile.serve('/f', { sizeBytes: 10 })
      const named = `http://bucket.example:${hostile.port}/f`
      await expect(get(named, agentWith([]))).rejects.toMatchObject({ code: 'address_refused' })
      expect(hostile.connections().peak).toBe(0)
    })

    test('what is allowed is reached, by literal and by name, and connections are kept', async () => {
      const url = hostile.serve('/f', { sizeBytes: 10 })
      const agent = agentWith(['127.0.0.0/8'])
      expect(await get(url, agent)).toBe(200)
      expect(await get(url, agent)).toBe(200)
      expect(hostile.connections().peak).toBe(1)
      expect(await get(url.replace('127.0.0.1', 'bucket.example'), agent)).toBe(200)
    })

    test('an exempt listener is reached by exact address and port', async () => {
      const url = hostile.serve('/f', { sizeBytes: 10 })
      expect(await get(url, agentWith([], [{ host: '127.0.0.1', port: hostile.port }]))).toBe(200)
      const otherPort = agentWith([], [{ host: '127.0.0.1', port: hostile.port + 1 }])
      await expect(get(url, otherPort)).rejects.toMatchObject({ code: 'address_refused' })
    })

    test('correctness 28: the peer of the socket is checked once more after connecting', async () => {
      const url = hostile.serve('/f', { sizeBytes: 10 }).replace('127.0.0.1', 'bucket.example')
      const open = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [], resolver: allHere })
      const strict = createAddressGuard({ allowedNetworks: [], exemptListeners: [] })
      // A lookup that lets through what the check of addresses refuses, as a hole in it would.
      const leaky = { ...open, checkAddress: strict.checkAddress }
      const agent = guardedAgent(leaky, 'http:')
      agents.push(agent)
      await expect(get(url, agent)).rejects.toMatchObject({ code: 'address_refused' })
      const source = createSource({
        httpClient,
        guard: leaky,
        connectTimeoutMs: 1000,
        idleTimeoutMs: 1000,
        maxConnectionsPerHost: 2,
      })
      const probe = source.probe({ url, headers: {} }, new AbortController().signal)
      await expect(probe).rejects.toMatchObject({ code: 'address_refused' })
      await source.close()
      expect(hostile.requests()).toHaveLength(0)
    })

    test('https is guarded alike, and verified', async () => {
      const tls = selfSignedCertificate()
      const secure = await createHostileSource({ tls })
      const url = secure.serve('/f', { sizeBytes: 10 })
      const guard = (networks: string[]) => createAddressGuard({ allowedNetworks: networks, exemptListeners: [] })
      const agentFor = (networks: string[]) => {
        const agent = guardedAgent(guard(networks), 'https:')
        agents.push(agent)
        return agent
      }
      expect(await get(url, agentFor(['127.0.0.0/8']), { ca: tls.cert })).toBe(200)
      await expect(get(url, agentFor([]), { ca: tls.cert })).rejects.toMatchObject({ code: 'address_refused' })
      await expect(get(url, agentFor(['127.0.0.0/8']))).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
      await secure.close()
    })
  })

  describe('TLS of sources', () => {
    test('a certificate that nobody vouches for is a TLS failure with a sentence', async () => {
      const secure = await createHostileSource({ tls: selfSignedCertificate() })
      const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
      const source = createSource({
        httpClient,
        guard,
        connectTimeoutMs: 1000,
        idleTimeoutMs: 1000,
        maxConnectionsPerHost: 2,
      })
      const url = secure.serve('/f', {})
      const failure = await source
        .probe({ url, headers: {} }, new AbortController().signal)
        .catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'tls_failed', retry: 'never' })
      expect(String(failure)).toMatch(/not signed by an authority.*NODE_EXTRA_CA_CERTS/)
      await source.close()
      await secure.close()
    })
  })
})
