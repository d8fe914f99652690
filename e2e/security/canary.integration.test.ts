import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { selfSignedCertificate } from '../../src/engine/testing/hostile-certificate.ts'
import { createHostileSource, type HostileSource } from '../../src/engine/testing/hostile-source.ts'
import { createApiClient } from '../stack/api-client.ts'
import { filesUnder, textOf } from '../stack/live-folder.ts'
import { type RunningSluice, startSluice } from '../stack/sluice.ts'
import { createTestDatabase, type TestDatabase } from '../stack/test-database.ts'
import { until } from '../stack/until.ts'

/** Invariant I5 (no secret leaves): each place that holds a secret gets a random word, and nothing we can see may have one. */
const words = new Map<string, string>()
function canary(place: string): string {
  const word = words.get(place) ?? `canary${randomBytes(12).toString('hex')}`
  words.set(place, word)
  return word
}

const ROLE = `canary_${randomBytes(4).toString('hex')}`
/** What was answered, said or kept, by where. */
const seen = new Map<string, string>()
let database: TestDatabase
let source: HostileSource
let tlsSource: HostileSource
let echo: Server
let sluice: RunningSluice
let bucketId: string
const ids: string[] = []

beforeAll(async () => {
  database = await createTestDatabase()
  const { user, url } = await lendDatabase(database.url)
  source = await createHostileSource()
  tlsSource = await createHostileSource({ tls: selfSignedCertificate() })
  echo = await startEchoStore()
  sluice = await startSluice({
    env: {
      DATABASE_URL: url,
      SLUICE_SECRET_KEY: `${canary('sealing key')}${user}`,
      SLUICE_ADMIN_TOKEN: canary('admin token'),
      SLUICE_EMBEDDED_S3_ACCESS_KEY: canary('embedded access key'),
      SLUICE_EMBEDDED_S3_SECRET_KEY: canary('embedded secret key'),
      SLUICE_LOG_LEVEL: 'trace',
      SLUICE_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
      SLUICE_CONNECT_TIMEOUT_MS: '2000',
      SLUICE_IDLE_TIMEOUT_MS: '2000',
    },
  })
  bucketId = (await sluice.api.buckets.list.query())[0]?.id ?? ''
})
afterAll(async () => {
  await sluice?.close()
  await source?.close()
  await tlsSource?.close()
  echo?.closeAllConnections()
  echo?.close()
  await database?.close()
  await onServer(`DROP ROLE IF EXISTS ${ROLE}`)
})

/** A role of its own, whose password is a canary, owns the database and everything in it. */
async function lendDatabase(url: string): Promise<{ user: string; url: string }> {
  const name = new URL(url).pathname.slice(1)
  await onServer(`CREATE ROLE ${ROLE} LOGIN SUPERUSER PASSWORD '${canary('database password')}'`)
  await onServer(`ALTER DATABASE ${name} OWNER TO ${ROLE}`)
  const lent = new URL(url)
  lent.username = ROLE
  lent.password = canary('database password')
  return { user: ROLE, url: lent.href }
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: process.env.SLUICE_TEST_POSTGRES_URL })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A store that refuses everything and repeats what it was sent, as a careless proxy would. */
async function startEchoStore(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume()
    const said = JSON.stringify({ url: request.url, headers: request.headers }).replaceAll('&', '&amp;')
    response.writeHead(403, { 'content-type': 'application/xml', 'x-echo': said })
    response.end(`<Error><Code>AccessDenied</Code><Message>${said.replaceAll('<', '&lt;')}</Message></Error>`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
const echoUrl = () => `http://127.0.0.1:${(echo.address() as AddressInfo).port}`

const sourceHeaders = () => ({
  Authorization: `Bearer ${canary('source authorization')}`,
  Cookie: `session=${canary('source cookie')}`,
  'X-Api-Key': canary('source api key'),
})
const secretQuery = (path: string) =>
  `${path}?X-Amz-Signature=${canary('signature')}&sig=${canary('sig')}&token=${canary('token')}&${canary('bare query')}`
const target = (origin: string) => `${origin}/target?sig=${canary('redirect query')}`

/** Sources that work, and sources that fail in each way a failure is made. They repeat our secrets wherever they can. */
function serveSources(): Record<string, string> {
  const repeated = () => JSON.stringify([...words.values()])
  const refuse = (status: number) => ({
    status,
    body: repeated(),
    headers: { 'www-authenticate': `Bearer error="${canary('signature')}"`, 'x-echo': repeated() },
  })
  const serve = (path: string, behaviour: Parameters<HostileSource['serve']>[1]) =>
    source.serve(secretQuery(path), behaviour)
  const to = (location: string) => ({ status: 302, headers: { location }, body: repeated() })
  source.serve(`/target?sig=${canary('redirect query')}`, { sizeBytes: 3_000_000 })
  return {
    good: serve('/good', { sizeBytes: 12_000_000 }),
    'without ranges': serve('/whole', { sizeBytes: 9_000_000, ranges: 'ignored', length: 'chunked' }),
    redirected: serve('/redirected', to(target(source.origin))),
    'redirected to another scheme': serve(
      '/ftp',
      to(`ftp://user:${canary('redirect password')}@a.example/?sig=${canary('redirect query')}`),
    ),
    'redirected to credentials': serve('/userinfo', to(`http://user:${canary('redirect password')}@127.0.0.1/`)),
    'redirected to metadata': serve('/metadata', to(`http://169.254.169.254/?sig=${canary('redirect query')}`)),
    'redirected to nobody': serve('/nobody', to(`http://nobody.invalid/?sig=${canary('redirect query')}`)),
    'redirected to bad TLS': serve('/tls', to(target(tlsSource.origin))),
    'redirected for ever': serve('/circle', to(secretQuery('/circle'))),
    unauthorized: serve('/401', refuse(401)),
    forbidden: serve('/403', refuse(403)),
    missing: serve('/404', refuse(404)),
    broken: serve('/500', refuse(500)),
    changed: serve('/changed', ({ index }) => ({ sizeBytes: 12_000_000, etag: `"v${index}"` })),
    cut: serve('/cut', { sizeBytes: 6_000_000, breakAfterBytes: 1000, breakBy: 'reset' }),
    'no HTTP': serve('/raw', {
      raw: `HTTP/1.1 200 OK\r\nSet-Cookie ${canary('answer cookie')}\r\n${repeated()}\r\n\r\n`,
    }),
    'a login page': serve('/login', { status: 200, headers: { 'content-type': 'text/html' }, body: repeated() }),
    refused: `http://127.0.0.1:1/file?sig=${canary('sig')}`,
    'bad TLS': secretQuery(`${tlsSource.origin}/file`),
  }
}

function drafts(): Record<string, { endpoint: string; accessKeyId: string; secretAccessKey: string }> {
  const keys = { accessKeyId: canary('access key id'), secretAccessKey: canary('secret access key') }
  return {
    'wrong keys': { endpoint: sluice.storeUrl, ...keys },
    'wrong secret': { endpoint: sluice.storeUrl, ...keys, accessKeyId: canary('embedded access key') },
    unreachable: { endpoint: 'http://127.0.0.1:1', ...keys },
    'bad TLS': { endpoint: tlsSource.origin, ...keys },
    'an echo': { endpoint: echoUrl(), ...keys },
  }
}

/** Sends a call as text and keeps the answer. */
async function call(name: string, path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${sluice.url}${path}`, init)
  const text = `${JSON.stringify([...response.headers])}\n${await response.text()}`
  seen.set(`${seen.size} ${name}`, text)
  return text
}
const ask = (name: string, input?: unknown) =>
  call(name, `/api/trpc/${name}${input ? `?input=${encodeURIComponent(JSON.stringify({ json: input }))}` : ''}`)
const tell = (name: string, json: unknown, headers: Record<string, string> = {}, body = JSON.stringify({ json })) =>
  call(name, `/api/trpc/${name}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

/** How some of them end, however often they are tried: what is looked at has the words of each in it. */
const ENDS = {
  good: 'completed',
  'without ranges': 'completed',
  redirected: 'completed',
  'redirected to another scheme': 'redirect_refused',
  'redirected to metadata': 'address_refused',
  unauthorized: 'source_unauthorized',
  forbidden: 'source_forbidden',
  missing: 'source_not_found',
}

test('no secret is ever shown, logged or kept in the open, whatever goes wrong', async () => {
  const sources = serveSources()
  const bucketIds = [bucketId]
  for (const [name, draft] of Object.entries(drafts())) {
    const full = { name, region: 'us-east-1', bucket: 'sluice', forcePathStyle: true, ...draft }
    await tell('inspections.bucket', { draft: full })
    const saved = JSON.parse((await tell('buckets.save', full)).split('\n')[1] ?? '')
    bucketIds.push(saved.result.data.json.id)
    await tell('buckets.save', full)
  }
  const create = async (key: string, sourceUrl: string, into: string) => {
    const answer = await tell('transfers.create', { sourceUrl, bucketId: into, key, sourceHeaders: sourceHeaders() })
    ids.push(JSON.parse(answer.split('\n')[1] ?? '').result.data.json.id)
  }
  for (const [name, url] of Object.entries(sources)) await create(`canary/${name}`, url, bucketId)
  for (const into of bucketIds.slice(1)) await create('canary/into', sources.good ?? '', into)
  await Promise.all(Object.values(sources).map((url) => tell('inspections.source', { url, headers: sourceHeaders() })))
  for (const into of bucketIds) await tell('inspections.bucket', { bucketId: into })
  await badCalls()

  // The database goes away under everybody's hands, in the middle of it.
  await onServer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${ROLE}'`)
  await until('every transfer to end, or to be tried again', async () => {
    const all = await Promise.all(ids.map((id) => sluice.api.transfers.byId.query({ id }).catch(() => null)))
    const isSettled = all.every(
      (one) => one && (one.status !== 'queued' || one.events.length > 1) && one.events.length > 0,
    )
    const ends = all.filter((one) => one?.status === 'completed' || one?.status === 'failed')
    const endOf = (name: string) => ends.find((one) => one?.key === `canary/${name}`)
    for (const [name, end] of Object.entries(ENDS)) {
      const one = endOf(name)
      if (one) expect([name, one.failure?.code ?? one.status]).toEqual([name, end])
    }
    return isSettled && Object.keys(ENDS).every(endOf)
  })
  await look()

  const found: string[] = []
  for (const [where, text] of seen)
    for (const [place, word] of words) if (text.includes(word)) found.push(`${place} in ${where}`)
  expect(found).toEqual([])
  // The search looked where things are written: the same links are there, with their secrets cut.
  expect([...seen.keys()].filter((where) => /(engine|web)\.log$/.test(where))).toHaveLength(2)
  for (const where of ['table Transfer', 'table Event']) expect(seen.get(where)).toContain('sig=…')
  // The search itself works: the words are where they belong, and only their owner reads those files.
  expect(readFileSync(join(sluice.dataDir, 'runtime.json'), 'utf8')).toContain(canary('database password'))
})

/** Calls that are refused, with a secret in each. */
async function badCalls(): Promise<void> {
  const { token } = await createApiClient(sluice.url, canary('admin token')).tokens.create.mutate({ name: 'canary' })
  words.set('created token', token)
  await tell('tokens.create', { name: '' }, { authorization: `Bearer ${token}` })
  await tell('tokens.create', { name: 'x' }, { authorization: `Bearer x${canary('wrong token')}` })
  await tell('tokens.create', { name: 'x' }, { authorization: `Basic ${canary('basic authorization')}` })
  await tell('transfers.create', {}, {}, `{"json":{"sourceUrl":"http://a.example/?sig=${canary('sig')}" oops`)
  const headers = { Authorization: `${canary('source authorization')}\n` }
  await tell('transfers.create', {
    sourceUrl: `ftp://u:${canary('source password')}@a/`,
    bucketId,
    sourceHeaders: headers,
  })
  await tell('transfers.create', { sourceUrl: `http://u:${canary('source password')}@a/`, bucketId, key: 'k' })
  await tell('inspections.source', { url: `http://a.example:99999/?sig=${canary('sig')}`, headers })
  await tell('buckets.save', {
    name: 'x',
    endpoint: `http://u:${canary('endpoint password')}@a`,
    secretAccessKey: canary('secret access key'),
  })
  await tell('buckets.save', { name: 'a\0', secretAccessKey: canary('secret access key') })
  await call('a wrong page', '/nope', { headers: { authorization: `Bearer ${token}` } })
}

/** Everything that people, programs and other users of the machine can see. */
async function look(): Promise<void> {
  for (const path of [
    '/',
    '/transfers',
    '/transfers/new',
    '/buckets',
    '/engines',
    '/settings',
    ...ids.map((id) => `/transfers/${id}`),
  ]) {
    await call(`page ${path}`, path)
    await call(`data of ${path}`, path, { headers: { rsc: '1' } })
  }
  await ask('transfers.list', { limit: 200 })
  await ask('transfers.list', { search: 'canary' })
  for (const id of ids) {
    await ask('transfers.byId', { id })
    await ask('progress.window', { transferId: id })
    await ask('reports.byTransfer', { transferId: id })
    await ask('reports.export', { transferId: id, format: 'json' })
  }
  for (const name of ['buckets.list', 'tokens.list', 'engines.list', 'system.health']) await ask(name)
  seen.set('metrics', await (await fetch(`${sluice.engineUrl}/metrics`)).text())
  seen.set('terminal', sluice.output())
  for (const { pid } of sluice.processes())
    seen.set(`arguments of ${pid}`, readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  await lookIntoDatabase()
  lookIntoFolder(sluice.dataDir)
}

async function lookIntoDatabase(): Promise<void> {
  const tables = await database.db.$queryRaw<
    { name: string }[]
  >`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
  expect(tables.length).toBeGreaterThan(8)
  for (const { name } of tables) {
    const rows = await database.db.$queryRawUnsafe<{ row: string }[]>(`SELECT t::text AS row FROM "${name}" t`)
    seen.set(`table ${name}`, rows.map(({ row }) => row).join('\n'))
  }
}

/** The files that may have secrets; nobody but their owner may open them. */
const SECRET_FILES = ['runtime.json', 'credentials.json', 'secret-key', 'postgres-password']

function lookIntoFolder(folder: string): void {
  for (const path of filesUnder(folder)) {
    if (path.includes('/blobs/')) continue
    if (SECRET_FILES.includes(basename(path))) expect(statSync(path).mode & 0o777, path).toBe(0o600)
    else seen.set(`file ${path}`, textOf(path))
  }
}
