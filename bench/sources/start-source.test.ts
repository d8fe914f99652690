import { Agent, get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { crc32cOf } from '../../src/engine/upload/crc32c.ts'
import { endlessBytes, endlessCrc32c, endlessPath } from './endless-file.ts'
import type { RunningSource, SourceLimits } from './source.ts'
import { startSource } from './start-source.ts'

const MIB = 1024 ** 2
const agents: Agent[] = []
let source: RunningSource | null = null

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy()
  await source?.stop()
  source = null
})

async function start(limits: SourceLimits, sizeBytes: number): Promise<string> {
  source = await startSource({ kind: 'metered', ...limits }, undefined)
  return source.url + endlessPath(1, 0, sizeBytes)
}

/** An agent has one connection, so that requests through the same one share its meter. */
function connection(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agents.push(agent)
  return agent
}

function ask(url: string, range?: string, agent = connection()): Promise<IncomingMessage> {
  return new Promise((settle, fail) => {
    get(url, { agent, headers: range ? { range } : {} }, settle).once('error', fail)
  })
}

describe('a metered source', () => {
  test('sends the bytes of the file and counts them', async () => {
    const url = await start({}, 6 * MIB)
    const body = await buffer(await ask(url))
    expect(crc32cOf([body])).toBe(endlessCrc32c(0, 6 * MIB))
    expect(await source?.counts()).toMatchObject({ requests: 1, bytes: 6 * MIB, refused: 0 })
  })

  test('answers a range with that range', async () => {
    const answer = await ask(await start({}, MIB), 'bytes=1000-1999')
    expect(answer.statusCode).toBe(206)
    expect(answer.headers['content-range']).toBe(`bytes 1000-1999/${MIB}`)
    expect((await buffer(answer)).equals(endlessBytes(0, 1000, 1000))).toBe(true)
  })

  test('knows no ranges where it shall not', async () => {
    const answer = await ask(await start({ noRanges: true }, 5000), 'bytes=1000-1999')
    expect(answer.statusCode).toBe(200)
    expect(await buffer(answer)).toHaveLength(5000)
  })

  test('waits before each first byte', async () => {
    const url = await start({ firstByteMs: 150 }, 1000)
    const startedAt = performance.now()
    await buffer(await ask(url))
    expect(performance.now() - startedAt).toBeGreaterThan(140)
  })

  test('answers 429 above its number of requests, and takes another one when one has ended', async () => {
    // The first one lasts a minute, and is ended long before.
    const url = await start({ maxRequests: 1, bytesPerSecondPerConnection: MIB / 8 }, 8 * MIB)
    const first = await ask(url)
    expect((await ask(url)).statusCode).toBe(429)
    expect(await source?.counts()).toMatchObject({ refused: 1 })
    first.destroy()
    await expect.poll(async () => (await ask(url, 'bytes=0-9')).statusCode).toBe(206)
  })

  test('paces a connection over its requests, so that short ranges are not faster', async () => {
    const rate = 2 * MIB
    const url = await start({ bytesPerSecondPerConnection: rate }, 2 * MIB)
    const agent = connection()
    const startedAt = performance.now()
    const piece = 128 * 1024
    for (let at = 0; at < MIB; at += piece) await buffer(await ask(url, `bytes=${at}-${at + piece - 1}`, agent))
    // The last bytes are sent when they are earned; a burst of 64 KiB may have been saved up.
    expect((performance.now() - startedAt) / 1000).toBeGreaterThan((MIB - 2 * 64 * 1024) / rate)
  })
})
