import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerParent, readHelperOptions } from '../harness/helper-process.ts'
import type { TlsFiles } from '../sources/source.ts'
import { createDiscardStore } from './discard-store.ts'

const { latencyMs, tls } = readHelperOptions<{ latencyMs: number; tls?: TlsFiles }>()
const store = createDiscardStore(latencyMs)
const listener: RequestListener = (request, response) => {
  store.answer(request, response).catch(() => response.destroy())
}
const options = { keepAliveTimeout: 60_000, requestTimeout: 0, highWaterMark: 1024 * 1024 }
const server = tls
  ? createTlsServer({ ...options, key: readFileSync(tls.key), cert: readFileSync(tls.certificate) }, listener)
  : createServer(options, listener)
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  answerParent(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, {
    counts: store.counts,
    object: store.object,
    clear: store.clear,
  })
})
