import { Agent, createServer, get } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { listenWidely, type WideListener } from './listen-widely.ts'

const host = '127.0.0.1'
const open: (WideListener | Socket)[] = []
afterEach(() => {
  for (const one of open.splice(0)) 'destroy' in one ? one.destroy() : one.close()
})

async function start(port = 0, listeners?: number) {
  const server = createServer((_, response) => response.end('here'))
  const listener = await listenWidely(server, { host, port }, listeners)
  open.push(listener)
  return { server, listener, url: `http://${host}:${listener.port}/` }
}

/** Turns of the event loop until so many connections that come at once are all accepted. */
async function turnsToAccept(count: number, listeners?: number): Promise<number> {
  const { server, listener } = await start(0, listeners)
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    open.push(socket)
  })
  let connected = 0
  const clients = Array.from({ length: count }, () => connect(listener.port, host, () => connected++))
  open.push(...clients)
  let turns = 0
  while (accepted < count || connected < count) {
    await turn()
    turns++
  }
  return turns
}

it('accepts many connections in a turn, where one socket would accept one', async () => {
  expect(await turnsToAccept(300, 1)).toBeGreaterThanOrEqual(300)
  expect(await turnsToAccept(300)).toBeLessThan(100)
})

it('has one server answer, count and close what any of its sockets accepted', async () => {
  const { server, url, listener } = await start()
  const agent = new Agent({ keepAlive: true })
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      const request = get(url, { agent }, async (response) => resolve(await text(response)))
      request.on('error', reject)
    })
  const accepted: Socket[] = []
  server.on('connection', (socket: Socket) => accepted.push(socket))
  const answers = await Promise.all(Array.from({ length: 100 }, ask))
  expect([accepted.length, new Set(answers)]).toEqual([100, new Set(['here'])])
  listener.close()
  server.closeAllConnections()
  expect(accepted.filter(({ destroyed }) => !destroyed)).toEqual([])
  agent.destroy()
  await expect(ask()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

it('shares its port with nobody else', async () => {
  const { listener } = await start()
  await expect(start(listener.port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

it.runIf(process.platform === 'linux')('leaves a port alone that another engine is just taking', async () => {
  const { listener } = await start()
  listener.close()
  const other = createTcpServer()
  await new Promise<void>((resolve) => {
    other.listen({ path: `\0sluice-port-${listener.port}` }, resolve)
  })
  await expect(start(listener.port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await new Promise((resolve) => other.close(resolve))
  expect((await start(listener.port)).listener.port).toBe(listener.port)
})
