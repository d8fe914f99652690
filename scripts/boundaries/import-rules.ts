import { importsOf, isTest, type SourceFiles } from './source-files.ts'

/** Something that is where it does not belong. */
export interface Finding {
  path: string
  message: string
}

interface Zone {
  name: string
  covers: (path: string, isClient: boolean) => boolean
  /** Beginnings of project paths it may import; generated code counts as where it lies. */
  mayImport: readonly string[]
  /** Where the code belongs that needs more. */
  advice: string
}

const under =
  (...folders: string[]) =>
  (path: string) =>
    folders.some((folder) => path.startsWith(folder))

/** Pages' files that reach the browser: those that say 'use client', and all they import. */
function clientFiles(files: SourceFiles): ReadonlySet<string> {
  const open = [...files].flatMap(([path, text]) => {
    const code = text.replace(/^\s*(\/\/.*\n|\/\*[\s\S]*?\*\/)*/g, '')
    return path.startsWith('src/app/') && /^\s*['"]use client['"]/.test(code) ? [path] : []
  })
  const seen = new Set<string>()
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const text = files.get(path)
    if (text === undefined || seen.has(path) || !path.startsWith('src/app/')) continue
    seen.add(path)
    for (const { target, isPackage, isTypeOnly } of importsOf(path, text))
      if (!isPackage && !isTypeOnly) open.push(target)
  }
  return seen
}

const BASE = ['src/server/domain/', 'src/server/config/', 'src/server/log.ts']
/** First match counts. Table "Allowed imports" of the architecture. */
const ZONES: readonly Zone[] = [
  {
    name: 'server/domain',
    covers: under('src/server/domain/'),
    mayImport: ['src/server/domain/'],
    advice:
      'The domain is pure: what needs a database, settings or the network belongs in server/db, server/api or the engine.',
  },
  {
    name: 'server/config, log, secrets',
    covers: under(
      'src/server/config/',
      'src/server/log.ts',
      'src/server/quiet-repeats.ts',
      'src/server/secrets.ts',
      'src/server/signed-link.ts',
    ),
    mayImport: ['src/server/domain/', 'src/server/config/', 'src/server/quiet-repeats.ts'],
    advice:
      'Settings, log and secrets know only the domain; what combines them belongs in server/api or engine/engine.ts.',
  },
  {
    name: 'server/db',
    covers: under('src/server/db/'),
    mayImport: [...BASE, 'src/server/secrets.ts', 'src/server/signed-link.ts', 'src/server/db/'],
    advice: 'Queries belong here, decisions of the API in server/api, work on bytes in the engine.',
  },
  {
    name: 'server/auth',
    covers: under('src/server/auth/'),
    mayImport: [...BASE, 'src/server/secrets.ts', 'src/server/db/', 'src/server/auth/'],
    advice: 'Who may do what belongs here; what is done belongs in server/api.',
  },
  {
    name: 'server/api',
    covers: under('src/server/'),
    mayImport: ['src/server/'],
    advice: 'The API speaks to engines through rows (server/db) only, and knows no page.',
  },
  {
    name: 'app client files',
    covers: (_, isClient) => isClient,
    mayImport: ['src/app/', 'src/server/domain/'],
    advice:
      'A browser gets data through tRPC: put the query into server/api/routers, and share shapes through server/domain.',
  },
  {
    name: 'app server files',
    covers: under('src/app/', 'src/proxy.ts'),
    mayImport: ['src/app/', 'src/server/api/', 'src/server/auth/', ...BASE],
    advice: 'Pages ask server/api (or its server-side caller); queries belong in server/db behind it.',
  },
  {
    name: 'engine',
    covers: under('src/engine/'),
    mayImport: [...BASE, 'src/engine/', 'src/server/secrets.ts', 'src/server/signed-link.ts', 'src/server/db/'],
    advice: 'The engine is a process without pages: what the dashboard needs goes through rows in server/db.',
  },
  {
    name: 'embedded',
    covers: under('src/embedded/'),
    mayImport: [...BASE, 'src/embedded/'],
    advice: 'What brings embedded servers and the database together belongs in scripts.',
  },
]

/** Which parts of the engine may use what of the server beyond the base. */
const ENGINE_SERVER_RULES = [
  { target: 'src/server/secrets.ts', from: ['', 'queue', 'transfer', 'source', 'upload'] },
  { target: 'src/server/signed-link.ts', from: ['', 'range-server'] },
  { target: 'src/server/db/', from: ['', 'queue', 'transfer', 'progress'] },
]

/** Packages with one home each; everything else asks that home. */
const VENDOR_SEAMS = [
  {
    vendor: /^undici$/,
    homes: ['src/engine/source/', 'src/engine/upload/'],
    advice: 'HTTP to sources goes through engine/source.',
  },
  {
    vendor: /^(@aws-sdk|@smithy)\//,
    homes: ['src/engine/upload/', 'src/embedded/object-store/'],
    advice: 'Talk to buckets through engine/upload/object-store.ts.',
  },
  {
    vendor: /^recharts$/,
    homes: ['src/app/_components/charts/'],
    advice: 'Draw with a component of app/_components/charts.',
  },
  {
    vendor: /^(redis|ioredis|@redis\/.*)$/,
    homes: ['src/engine/cache/shared'],
    advice: 'The shared tier is engine/cache/shared.ts.',
  },
  {
    vendor: /^(@prisma\/.*|pg)$/,
    homes: ['src/server/db/', 'src/server/auth/', 'src/embedded/postgres'],
    advice: 'Write a function in server/db and call that.',
  },
  {
    vendor: /^(next|react|react-dom|@trpc\/.*|@tanstack\/.*)$/,
    homes: ['src/app/', 'src/server/api/', 'src/proxy.ts'],
    advice: 'Pages and their API are src/app and server/api.',
  },
  {
    vendor: /^prom-client$/,
    homes: ['src/engine/progress/', 'src/engine/status-server.ts'],
    advice: 'Metrics are defined in engine/progress/metrics.ts.',
  },
]

/** Checks every import of src against the table of allowed imports and the vendor seams. Tests may import anything. */
export function checkImports(files: SourceFiles): Finding[] {
  const findings: Finding[] = []
  const clients = clientFiles(files)
  for (const [path, text] of files) {
    if (!path.startsWith('src/') || isTest(path) || path.endsWith('.css')) continue
    const zone = ZONES.find(({ covers }) => covers(path, clients.has(path)))
    if (!zone) {
      findings.push({ path, message: 'lies in no known part. The parts are app, server, engine and embedded.' })
      continue
    }
    for (const { target, isPackage, isTypeOnly } of importsOf(path, text)) {
      const message = isPackage
        ? packageProblem(path, target)
        : (pathProblem(zone, target, isTypeOnly) ?? engineProblem(path, target))
      if (message) findings.push({ path, message })
    }
  }
  return findings
}

function pathProblem(zone: Zone, target: string, isTypeOnly: boolean): string | null {
  if (target === 'package.json') return null
  if (zone.mayImport.some((allowed) => target.startsWith(allowed))) return null
  const isRouterType = isTypeOnly && target.startsWith('src/server/api/')
  if (isRouterType && zone.name === 'app client files') return null
  return `imports ${target}, which ${zone.name} may not. ${zone.advice}`
}

function engineProblem(path: string, target: string): string | null {
  const part = enginePart(path)
  if (part === null || path.includes('/testing/')) return null
  for (const rule of ENGINE_SERVER_RULES)
    if (target.startsWith(rule.target) && !rule.from.includes(part)) {
      const allowed = rule.from.filter((name) => name !== '').join(', ')
      return `imports ${target}: in the engine only engine.ts, ${allowed} do. Hand in what is needed from there.`
    }
  const other = enginePart(target)
  if (other === null || part === other || part === '') return null
  if (other === '')
    return `imports ${target}: engine.ts puts the parts together, no part knows it. Pass what is needed as an argument.`
  if (other === 'testing') return `imports ${target}, which is for tests only.`
  if (!(ENGINE_WAYS[part] ?? []).includes(other))
    return `imports ${target}: inside the engine it goes one way, and ${part} does not use ${other}. Move the shared piece down, or pass it in.`
  return null
}

const LOWER = ['source', 'slice', 'part', 'upload', 'progress', 'cache']
/** One way inside the engine: main → engine → queue, transfer, range-server → the rest; upload → part → slice → source, cache. */
const ENGINE_WAYS: Readonly<Record<string, readonly string[]>> = {
  queue: ['transfer', ...LOWER],
  transfer: LOWER,
  'range-server': LOWER,
  upload: ['part', 'slice', 'source', 'cache'],
  part: ['slice', 'source', 'cache'],
  slice: ['source', 'cache'],
  source: [],
  progress: [],
  cache: [],
}

/** The folder of a file inside the engine; '' for the files at its top; null outside of it. */
function enginePart(path: string): string | null {
  const match = /^src\/engine\/(?:([^/]+)\/)?[^/]+$/.exec(path) ?? /^src\/engine\/([^/]+)\//.exec(path)
  return match ? (match[1] ?? '') : null
}

function packageProblem(path: string, name: string): string | null {
  if (path.startsWith('src/server/domain/') && name !== 'zod')
    return `imports ${name}: the domain is pure and knows zod alone. Put this into server/db, server/api or the engine.`
  const seam = VENDOR_SEAMS.find(({ vendor }) => vendor.test(name))
  if (!seam || seam.homes.some((home) => path.startsWith(home))) return null
  if (path.startsWith('src/engine/testing/')) return null
  return `imports ${name}, which has its place in ${seam.homes.join(' and ')}. ${seam.advice}`
}
