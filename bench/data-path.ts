import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HTTP_CLIENTS, type HttpClientName } from '../src/engine/source/http-client.ts'
import { selfSignedCertificate } from '../src/engine/testing/hostile-certificate.ts'
import type { ClientFigures, ClientJob } from './data-path/client.ts'

// What the two HTTP clients cost on the path of the bytes: GET a range, copy it into slices of 1 MiB, CRC32C, PUT a part. Source and sink
// are processes of their own; CPU is the client's alone. Rounds are interleaved, medians are compared. Usage:
// node bench/data-path.ts [--rounds 5] [--mib 1024] [--json FILE]

const MIB = 1024 * 1024
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    mib: { type: 'string', default: '1024' },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const totalBytes = Number(values.mib) * MIB
const SHAPES = [
  { partBytes: 8 * MIB, lanes: 1 },
  { partBytes: 8 * MIB, lanes: 4 },
  { partBytes: 64 * MIB, lanes: 4 },
]

interface Result extends ClientFigures {
  readonly scheme: 'http' | 'https'
  readonly httpClient: HttpClientName
  readonly partMib: number
  readonly lanes: number
}

async function startPeer(role: 'source' | 'sink', tls: object | null): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(join(import.meta.dirname, 'data-path/peers.ts'), [role, JSON.stringify(tls)])
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

async function runClient(job: ClientJob, caFile: string): Promise<ClientFigures> {
  const child = fork(join(import.meta.dirname, 'data-path/client.ts'), [JSON.stringify(job)], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile },
  })
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`The client ended with ${code} before it reported.`)
  })
  const [figures] = (await Promise.race([once(child, 'message'), failed])) as [ClientFigures]
  failed.catch(() => undefined)
  if (child.exitCode === null) await once(child, 'exit')
  return figures
}

const median = (numbers: number[]) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

const dir = await mkdtemp(join(tmpdir(), 'sluice-data-path-'))
const results: Result[] = []
try {
  const tls = selfSignedCertificate()
  const caFile = join(dir, 'ca.pem')
  await writeFile(caFile, tls.cert)
  for (const scheme of ['http', 'https'] as const) {
    const peers = await Promise.all(
      (['source', 'sink'] as const).map((role) => startPeer(role, scheme === 'https' ? tls : null)),
    )
    const [sourceUrl = '', bucketUrl = ''] = peers.map(({ port }) => `${scheme}://127.0.0.1:${port}`)
    for (let round = 0; round < rounds; round++)
      for (const { partBytes, lanes } of SHAPES)
        for (const httpClient of round % 2 ? HTTP_CLIENTS : HTTP_CLIENTS.toReversed()) {
          const job = { httpClient, sourceUrl: `${sourceUrl}/file`, bucketUrl, lanes, partBytes, totalBytes }
          results.push({ scheme, httpClient, partMib: partBytes / MIB, lanes, ...(await runClient(job, caFile)) })
        }
    for (const { child } of peers) child.disconnect()
  }
} finally {
  await rm(dir, { recursive: true })
}

const table = ['http', 'https'].flatMap((scheme) =>
  SHAPES.map(({ partBytes, lanes }) => {
    const of = (httpClient: HttpClientName, pick: (result: Result) => number) =>
      median(
        results
          .filter((each) => each.scheme === scheme && each.partMib === partBytes / MIB && each.lanes === lanes)
          .filter((each) => each.httpClient === httpClient)
          .map(pick),
      )
    const cpu = (name: HttpClientName) => of(name, (each) => each.cpuSecondsPerGib)
    const speed = (name: HttpClientName) => of(name, (each) => each.gibPerSecond)
    const rss = (name: HttpClientName) => of(name, (each) => each.peakRssMib)
    return {
      path: `${scheme}, ${partBytes / MIB} MiB parts, ${lanes} at once`,
      'lean CPU-s/GiB': cpu('lean').toFixed(2),
      'undici CPU-s/GiB': cpu('undici').toFixed(2),
      'CPU ratio': (cpu('lean') / cpu('undici')).toFixed(2),
      'lean GiB/s': speed('lean').toFixed(2),
      'undici GiB/s': speed('undici').toFixed(2),
      'lean RSS MiB': rss('lean').toFixed(0),
      'undici RSS MiB': rss('undici').toFixed(0),
    }
  }),
)
console.table(table)
if (values.json) await writeFile(values.json, `${JSON.stringify({ rounds, totalBytes, table, results }, null, 2)}\n`)
