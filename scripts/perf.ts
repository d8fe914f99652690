import { writeFileSync } from 'node:fs'
import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client'
import superjson from 'superjson'
import type { AppRouter } from '../src/server/api/root.ts'
import { ConfigError, readEnv } from '../src/server/config/env.ts'
import { readRuntime } from '../src/server/config/runtime.ts'
import { formatRate } from '../src/server/domain/bytes.ts'
import { parsePerfArguments } from './perf/arguments.ts'
import { findKeys, removeObjects } from './perf/remove-objects.ts'
import { type PerfApi, runPerf } from './perf/run-perf.ts'
import { perfTable } from './perf/table.ts'
import { ArgumentError } from './runner/command-words.ts'

// `npm run perf -- URL …`: your own files from your own sources into your own bucket, through the API of the Sluice that runs.
// Prints a table and writes the figures as JSON, which a report page of the dashboard opens.

/** A signal cancels the transfer under way; a terminal sends it twice, by the shell and by npm. */
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort())

try {
  process.exitCode = await perf(process.argv.slice(2))
} catch (error) {
  const isSaid = error instanceof ArgumentError || error instanceof ConfigError || error instanceof TRPCClientError
  if (!isSaid) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function perf(words: readonly string[]): Promise<number> {
  const wanted = parsePerfArguments(words)
  const env = readEnv()
  const webUrl = wanted.webUrl ?? readRuntime(env.dataDir)?.webUrl ?? env.SLUICE_PUBLIC_URL
  const api = connect(webUrl, env.SLUICE_ADMIN_TOKEN)
  const buckets = await api.buckets().catch((error) => {
    throw error?.cause instanceof TypeError
      ? new ArgumentError(
          `Sluice does not answer at ${webUrl}. Start it with \`npm start\`, or say where it is with --url.`,
        )
      : error
  })
  const chosen = buckets.find(({ name }) => name === wanted.bucketName)
  // Before anything is moved, so that nothing is left that cannot be removed.
  const keys = wanted.clean && chosen ? findKeys(chosen, env.dataDir, process.env) : null
  const { run, bucket } = await runPerf(api, {
    ...wanted,
    signal: stopping.signal,
    onTransfer: ({ name, run, status, averageBytesPerSecond: rate, failure }) =>
      console.log(
        `${name}, run ${run}: ${status}${rate === null ? '' : `, ${formatRate(rate)}`}${failure ? `. ${failure.message}` : ''}`,
      ),
  })
  console.log(`\n${perfTable(run)}`)
  const path = wanted.jsonFile ?? `sluice-perf-${run.startedAt.replace(/[-:]|\.\d+/g, '')}.json`
  writeFileSync(path, `${JSON.stringify(run, null, 2)}\n`)
  console.log(`\nWritten to ${path}.`)
  const made = run.transfers.filter(({ status }) => status === 'completed').map(({ key }) => key)
  if (keys) {
    await removeObjects(bucket, keys, made)
    console.log(`Removed ${made.length} objects.`)
  }
  return made.length === wanted.urls.length * wanted.runs ? 0 : 1
}

function connect(webUrl: string, token: string | undefined): PerfApi {
  const headers = token ? { authorization: `Bearer ${token}` } : {}
  const client = createTRPCClient<AppRouter>({
    links: [httpLink({ url: `${webUrl}/api/trpc`, transformer: superjson, headers })],
  })
  return {
    buckets: () => client.buckets.list.query(),
    engines: () => client.engines.list.query(),
    health: () => client.system.health.query(),
    create: (input) => client.transfers.create.mutate(input),
    byId: (id) => client.transfers.byId.query({ id }),
    report: (transferId) => client.reports.byTransfer.query({ transferId }),
    cancel: (id) => client.transfers.cancel.mutate({ ids: [id] }),
  }
}
