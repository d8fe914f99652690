import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestClient, testClient } from './testing/test-store.ts'

let dir: string
let child: ChildProcess
let client: TestClient

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-crash-'))
})
afterEach(async () => {
  await kill()
  rmSync(dir, { recursive: true, force: true })
})

async function start(): Promise<void> {
  child = spawn(process.execPath, [join(import.meta.dirname, 'testing/serve.ts'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  const port = Number(line.toString())
  client = testClient(() => port)
}

async function kill(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Writes until the store dies; calls back after each acknowledgement. The cut connection is what ends it. */
async function writeUntilKilled(write: () => Promise<{ status: number }>, acknowledged: () => void): Promise<void> {
  for (;;) {
    const answer = await write().catch(() => null)
    if (!answer) return
    expect(answer.status).toBe(200)
    acknowledged()
  }
}

test('after kill -9 at any moment every object is a whole one, acknowledged ones are there, and nothing is left over', async () => {
  const known = new Map<string, Set<string>>()
  for (let round = 0; round < 4; round++) {
    await start()
    let acknowledgements = 0
    const latest = new Map<string, string>()
    const writers = ['a', 'b', 'c'].map((key) => {
      let sent = ''
      return writeUntilKilled(
        () => {
          const body = randomBytes(200_000 + Math.floor(Math.random() * 3_000_000))
          sent = createHash('md5').update(body).digest('hex')
          known.set(key, (known.get(key) ?? new Set()).add(sent))
          return client.send('PUT', `/box/${key}`, { body, payloadHash: 'UNSIGNED-PAYLOAD' })
        },
        () => {
          // From now on this one or one sent later has to be there; none from before.
          known.set(key, new Set([sent]))
          latest.set(key, sent)
          if (++acknowledgements === 5 + round * 3) child.kill('SIGKILL')
        },
      )
    })
    await Promise.all(writers)
    await kill()
    await start()
    expect(readdirSync(join(dir, 'tmp'))).toEqual([])
    let objects = 0
    for (const [key, sums] of known) {
      const got = await client.send('GET', `/box/${key}`)
      if (got.status === 404) {
        expect(latest.has(key)).toBe(false)
        continue
      }
      objects++
      const sum = createHash('md5').update(got.body).digest('hex')
      expect(got.headers.etag).toBe(`"${sum}"`)
      expect(sums.has(sum)).toBe(true)
      known.set(key, new Set([sum]))
    }
    const blobs = readdirSync(join(dir, 'blobs'), { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
    expect(blobs).toHaveLength(objects)
    await kill()
  }
})

test('an upload goes on after kill -9, and one that was completed stays completed', async () => {
  await start()
  const created = await client.send('POST', '/box/big?uploads')
  const id = /<UploadId>([^<]*)</.exec(created.body.toString())?.[1] ?? ''
  const parts = [randomBytes(6_000_000), randomBytes(1000)]
  const listed = parts.map(
    (part, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${createHash('md5').update(part).digest('hex')}</ETag></Part>`,
  )
  const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`
  await client.send('PUT', `/box/big?partNumber=1&uploadId=${id}`, { body: parts[0] ?? '' })
  await kill()
  await start()
  expect((await client.send('GET', `/box/big?uploadId=${id}`)).body.toString()).toContain('<Size>6000000</Size>')
  await client.send('PUT', `/box/big?partNumber=2&uploadId=${id}`, { body: parts[1] ?? '' })
  const first = await client.send('POST', `/box/big?uploadId=${id}`, { body })
  await kill()
  await start()
  const second = await client.send('POST', `/box/big?uploadId=${id}`, { body })
  const etag = (xml: Buffer) => /<ETag>([^<]*)</.exec(xml.toString())?.[1]
  expect([first.status, second.status, etag(second.body)]).toEqual([200, 200, etag(first.body)])
  expect((await client.send('GET', '/box/big')).body.equals(Buffer.concat(parts))).toBe(true)
})
