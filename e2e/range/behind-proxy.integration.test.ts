import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/embedded/free-port.ts'
import { patternBytes } from '../../src/engine/testing/byte-pattern.ts'
import { type ApiWithEngine, startApiWithEngine } from '../stack/api-with-engine.ts'
import { nginxMissing, type RunningNginx, startNginx } from '../stack/nginx.ts'
import { until } from '../stack/until.ts'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

describe.skipIf(nginxMissing !== null)('behind nginx as the README has it, under a path', () => {
  let stack: ApiWithEngine
  let nginx: RunningNginx
  const folder = mkdtempSync(join(tmpdir(), 'sluice-behind-'))
  beforeAll(async () => {
    const block = / {2}location \/o\/ \{[^}]*\}/.exec(README)?.[0] ?? ''
    expect(block).toContain('proxy_pass http://127.0.0.1:3001;')
    const port = await findFreePort()
    stack = await startApiWithEngine({
      exemptSource: true,
      env: { SLUICE_ENGINE_PUBLIC_URL: `http://127.0.0.1:${port}/media` },
    })
    const server = block.replace('/o/', '/media/o/').replace('http://127.0.0.1:3001', stack.engineUrl)
    nginx = await startNginx(folder, { server, port })
  })
  afterAll(async () => {
    await nginx?.close()
    await stack?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a signed link with a space, a # and an encoded slash opens the file, and another does not', async () => {
    stack.source.serve('/take%20%233%2Fb.bin', { sizeBytes: 3_000_000 })
    const { id } = await stack.api.origins.save({ name: 'media', baseUrl: stack.source.origin, access: 'signed' })
    const path = 'take #3%2Fb.bin'
    const { url } = await stack.api.origins.signLink({ originId: id, path, expiresInSeconds: 600 })
    expect(url.startsWith(`${nginx.url}/media/o/media/take%20%233%2Fb.bin?`)).toBe(true)
    const part = await until('the engine to serve it', async () => {
      const response = await fetch(url, { headers: { range: 'bytes=2999000-' } })
      const body = Buffer.from(await response.arrayBuffer())
      return response.status === 206 ? body : null
    })
    expect(part.equals(patternBytes(2_999_000, 3_000_000))).toBe(true)
    expect((await fetch(url.replace('%233', '%234'))).status).toBe(403)
    expect((await fetch(`${nginx.url}/metrics`)).status).toBe(404)
  })
})
