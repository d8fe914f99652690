import { get } from 'node:http'
import { Counter, Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { startStatusServer } from './status-server.ts'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})

async function start(options: Partial<Parameters<typeof startStatusServer>[0]> = {}) {
  const registry = new Registry()
  new Counter({ name: 'sluice_test_total', help: 'A test.', registers: [registry] }).inc(3)
  const defaults = {
    host: '127.0.0.1',
    port: 0,
    setting: 'ENGINE_PORT',
    mayMove: false,
    publicHosts: ['sluice.example.org', 'files.example.org'],
  }
  const server = await startStatusServer({ ...defaults, registry, isReady: () => true, ...options })
  running.push(server)
  return server
}

describe('the status server of an engine', () => {
  it('tells that it lives, whether it is ready, and its metrics', async () => {
    let isReady = false
    const { url } = await start({ isReady: () => isReady })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    isReady = true
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('sluice_test_total 3')
  })

  it('has no metrics where they are off or served elsewhere', async () => {
    const { url } = await start({ registry: null })
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
  })

  it('changes nothing and answers no other method', async () => {
    const { url } = await start()
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405)
  })

  it('hands requests for files over under its public names, without what a proxy leaves before /o/', async () => {
    const seen: (string | undefined)[] = []
    const { port } = await start({
      publicPath: '/files',
      files: ({ url }, response) => {
        if (!url?.startsWith('/o/')) return false
        seen.push(url)
        response.end()
        return true
      },
    })
    const status = (path: string, host: string) =>
      new Promise((resolve, reject) => {
        const request = get({ port, path, headers: { host } }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        request.on('error', reject)
      })
    expect(await status('/files/o/films/a%2Fb.mp4?x=1', 'files.example.org')).toBe(200)
    expect(await status('/o/films/a', 'sluice.example.org:443')).toBe(200)
    expect(await status('/files/healthz', 'files.example.org')).toBe(404)
    expect(await status('/filesystem/o/films/a', 'files.example.org')).toBe(404)
    expect(await status('/o/films/a', 'other.example.org')).toBe(403)
    expect(seen).toEqual(['/o/films/a%2Fb.mp4?x=1', '/o/films/a'])
  })

  it('names the setting where its port is taken, or takes another one where it may', async () => {
    const first = await start()
    await expect(start({ port: first.port })).rejects.toThrow(/taken.*ENGINE_PORT/)
    const second = await start({ port: first.port, mayMove: true })
    expect(second.port).not.toBe(first.port)
  })
})
