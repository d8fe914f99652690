import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes } from '../../testing/byte-pattern.ts'
import { createAddressGuard } from '../address-guard.ts'
import type { HttpExchange } from '../http-transport.ts'
import { createLeanTransport } from './lean-transport.ts'
import { LEAST_PLACE_BYTES } from './read-buffer.ts'
import { type ScriptedRequest, startScriptedServer } from './testing/scripted-server.ts'

const MIB = 1024 * 1024
const SIZE = 3 * MIB + 12_345

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function setUp(onRequest: (request: ScriptedRequest) => void) {
  const server = await startScriptedServer(onRequest)
  const guard = createAddressGuard({ allowedNetworks: ['127.0.0.0/8'], exemptListeners: [] })
  const transport = createLeanTransport({ guard, timeoutMs: 20_000, maxConnections: 1 })
  closers.push(
    () => transport.close(),
    () => server.close(),
  )
  return { transport, server, url: new URL(`http://127.0.0.1:${server.port}/`) }
}

type Transport = Awaited<ReturnType<typeof setUp>>['transport']

/** Reads a body into memory of its own, and says how many bytes came right to their place. */
function readInto(
  transport: Transport,
  url: URL,
  memory: Buffer,
  onChunk: (exchange: HttpExchange, bytes: number) => void = () => {},
  placeBytes = MIB,
) {
  let at = 0
  let inPlaceBytes = 0
  return new Promise<{ at: number; inPlaceBytes: number; error: unknown }>((resolve) => {
    const exchange = transport.get(
      { url, headers: {} },
      {
        onSent: () => undefined,
        onHead: () => queueMicrotask(() => exchange.resume()),
        place: () => memory.subarray(at, Math.min(memory.length, at + placeBytes)),
        onData(chunk) {
          const isInPlace = chunk.buffer === memory.buffer && chunk.byteOffset === memory.byteOffset + at
          if (isInPlace) inPlaceBytes += chunk.length
          else memory.set(chunk, at)
          at += chunk.length
          onChunk(exchange, chunk.length)
        },
        onEnd: () => resolve({ at, inPlaceBytes, error: null }),
        onError: (error) => resolve({ at, inPlaceBytes, error }),
      },
    )
  })
}

const head = (bytes: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`
const body = patternBytes(0, SIZE)

describe('a body that is read right to its place', () => {
  test('is the same, and the answer behind it on the connection too', async () => {
    const { transport, url, server } = await setUp(({ socket }) => {
      socket.write(head(SIZE))
      socket.write(body)
    })
    for (let round = 0; round < 3; round++) {
      const memory = Buffer.alloc(SIZE + MIB)
      const { at, inPlaceBytes, error } = await readInto(transport, url, memory)
      expect({ at, error }).toEqual({ at: SIZE, error: null })
      expect(memory.subarray(0, SIZE).equals(body)).toBe(true)
      expect(memory.subarray(SIZE).every((byte) => byte === 0)).toBe(true)
      expect(inPlaceBytes).toBeGreaterThan(SIZE / 4)
    }
    expect(server.connections()).toBe(1)
  })

  test('is the same where the reader pauses after every chunk', async () => {
    const { transport, url } = await setUp(({ socket }) => {
      socket.write(head(SIZE))
      socket.write(body)
    })
    const memory = Buffer.alloc(SIZE)
    const { at, error } = await readInto(transport, url, memory, (exchange) => {
      exchange.pause()
      setImmediate(() => exchange.resume())
    })
    expect({ at, error }).toEqual({ at: SIZE, error: null })
    expect(memory.equals(body)).toBe(true)
  })

  test('comes in reads as short as a limit makes their places', async () => {
    const { transport, url } = await setUp(({ socket }) => {
      socket.write(head(SIZE))
      socket.write(body)
    })
    const memory = Buffer.alloc(SIZE)
    const chunks: number[] = []
    const { at, inPlaceBytes } = await readInto(
      transport,
      url,
      memory,
      (_, bytes) => chunks.push(bytes),
      LEAST_PLACE_BYTES,
    )
    expect(at).toBe(SIZE)
    expect(inPlaceBytes).toBeGreaterThan(SIZE / 2)
    expect(Math.max(...chunks)).toBeLessThanOrEqual(LEAST_PLACE_BYTES)
  })

  test('never writes behind its end, where the server sends more than it said', async () => {
    const said = SIZE - 500_000
    const { transport, url } = await setUp(({ socket }) => {
      socket.write(head(said))
      socket.write(body)
    })
    const memory = Buffer.alloc(SIZE)
    await readInto(transport, url, memory)
    expect(memory.subarray(said).every((byte) => byte === 0)).toBe(true)
  })

  test('leaves memory alone from the moment it was aborted', async () => {
    let go: (() => void) | undefined
    const { transport, url, server } = await setUp(({ socket }) => {
      socket.write(head(SIZE))
      socket.write(body.subarray(0, MIB))
      go = () => socket.write(body.subarray(MIB))
    })
    const memory = Buffer.alloc(SIZE)
    let seen = 0
    const { error } = await readInto(transport, url, memory, (exchange) => {
      seen++
      exchange.abort(new Error('enough'))
      go?.()
    })
    expect(error).toMatchObject({ message: 'enough' })
    const then = Buffer.from(memory)
    const [socket] = server.sockets
    if (socket) await new Promise((resolve) => socket.once('close', resolve))
    expect(memory.equals(then)).toBe(true)
    expect(seen).toBe(1)
  })

  test('comes by copies where its length is not said', async () => {
    const { transport, url } = await setUp(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${MIB.toString(16)}\r\n`)
      socket.write(body.subarray(0, MIB))
      socket.write('\r\n0\r\n\r\n')
    })
    const memory = Buffer.alloc(MIB)
    const { at, inPlaceBytes } = await readInto(transport, url, memory)
    expect({ at, inPlaceBytes }).toEqual({ at: MIB, inPlaceBytes: 0 })
    expect(memory.equals(body.subarray(0, MIB))).toBe(true)
  })
})
