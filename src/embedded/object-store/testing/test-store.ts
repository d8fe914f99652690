import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../../../server/log.ts'
import { createObjectStoreServer, type ObjectStoreServer } from '../server.ts'
import { sha256, signHeaders, TEST_KEYS } from './signed-request.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The Code of an error document, or null. */
  readonly code: string | null
}

export interface SendOptions {
  readonly headers?: Record<string, string>
  readonly body?: Buffer | string
  /** Default: the SHA-256 of the body. */
  readonly payloadHash?: string
  readonly at?: Date
  readonly keys?: { accessKeyId: string; secretAccessKey: string; region: string }
}

export interface TestClient {
  /** Sends a signed request; the target is path and query as they go over the wire. */
  send(method: string, target: string, options?: SendOptions): Promise<Answer>
  /** Sends these headers and bytes as they are. */
  sendRaw(method: string, target: string, headers: Record<string, string>, body?: Buffer): Promise<Answer>
}

export interface TestStore extends TestClient {
  readonly dir: string
  readonly server: ObjectStoreServer
  /** Stops the server and starts it on the same folder. */
  restart(): Promise<void>
  /** Stops the server and removes its folder. */
  close(): Promise<void>
}

/** A store of its own in a temporary folder, with the bucket `box`. */
export async function startTestStore(): Promise<TestStore> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-object-store-'))
  const start = () =>
    createObjectStoreServer({ dir, host: '127.0.0.1', port: 0, ...TEST_KEYS, log: createLog('start', 'silent') })
  let server = await start()
  await server.ensureBucket('box')
  return {
    dir,
    get server() {
      return server
    },
    ...testClient(() => server.port),
    restart: async () => {
      await server.close()
      server = await start()
    },
    close: async () => {
      await server.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A client of the store at a port of this machine. */
export function testClient(port: () => number): TestClient {
  const sendRaw = (method: string, target: string, headers: Record<string, string>, body?: Buffer) =>
    exchange(port(), method, target, headers, body)
  return {
    sendRaw,
    send: (method, target, options = {}) => {
      const body = Buffer.from(options.body ?? '')
      const { headers } = signHeaders({
        method,
        target,
        host: `127.0.0.1:${port()}`,
        payloadHash: options.payloadHash ?? sha256(body),
        ...(options.headers ? { headers: options.headers } : {}),
        ...(options.at ? { at: options.at } : {}),
        ...(options.keys ? { keys: options.keys } : {}),
      })
      const length: Record<string, string> =
        body.length > 0 || method === 'PUT' || method === 'POST' ? { 'content-length': String(body.length) } : {}
      return sendRaw(method, target, { ...length, ...headers }, body)
    },
  }
}

function exchange(
  port: number,
  method: string,
  target: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path: target, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          body: bytes,
          code: /<Error><Code>(\w+)</.exec(bytes.toString())?.[1] ?? null,
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
