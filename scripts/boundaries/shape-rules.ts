import { basename, posix } from 'node:path'
import type { Finding } from './import-rules.ts'
import { importsOf, isTest, type SourceFiles } from './source-files.ts'

const MAX_LINES = 400
const EMPTY_NAMES = /^(utils?|helpers?|common|misc|types|index)$/

/** Files that grew too long, and names that say nothing. */
export function checkShapes(files: SourceFiles): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of files) {
    const lines = text.split('\n').length - 1
    if (lines > MAX_LINES)
      findings.push({ path, message: `has ${lines} lines; ${MAX_LINES} is the ceiling. Split it along what it does.` })
    const segments = path.replace(/\.(test|spec|integration\.test)?\.?(tsx?|css)$/, '').split('/')
    const empty = segments.find((segment) => EMPTY_NAMES.test(segment))
    if (empty)
      findings.push({ path, message: `is named "${empty}", which says nothing. Name it after its one main export.` })
    if (!/^[a-z0-9[\]().-]+$/.test(basename(path).replace(/^_/, '')))
      findings.push({ path, message: 'is not named in kebab-case.' })
  }
  return findings
}

/** Folders of the engine that import each other in a circle. */
export function checkEngineCycles(files: SourceFiles): Finding[] {
  const folderOf = (path: string) => /^src\/engine\/([^/]+)\//.exec(path)?.[1]
  const edges = new Map<string, Map<string, string>>()
  for (const [path, text] of files) {
    const from = folderOf(path)
    // What tests are built of may use all that they test.
    if (!from || isTest(path) || path.includes('/testing/')) continue
    for (const { target, isPackage } of importsOf(path, text)) {
      const to = isPackage ? undefined : folderOf(target)
      if (!to || to === from) continue
      const targets = edges.get(from) ?? new Map<string, string>()
      targets.set(to, path)
      edges.set(from, targets)
    }
  }
  const findings: Finding[] = []
  const reported = new Set<string>()
  const visit = (folder: string, trail: readonly string[]) => {
    if (trail.includes(folder)) {
      const circle = [...trail.slice(trail.indexOf(folder)), folder]
      const name = [...new Set(circle)].sort().join()
      if (!reported.has(name)) {
        reported.add(name)
        const path = edges.get(circle[0] ?? '')?.get(circle[1] ?? '') ?? 'src/engine'
        findings.push({
          path,
          message: `closes a circle of folders: ${circle.join(' → ')}. Move what both need below both.`,
        })
      }
      return
    }
    for (const next of edges.get(folder)?.keys() ?? []) visit(next, [...trail, folder])
  }
  for (const folder of edges.keys()) visit(folder, [])
  return findings
}

/** Files Next and the commands start from; everything else must be reached from one of them. */
const ENTRIES = [
  /^src\/app\/.*\b(page|layout|route|loading|error|not-found|global-error|template|default|icon|opengraph-image|robots|sitemap|manifest)\.tsx?$/,
  /^src\/(proxy|instrumentation|instrumentation-client)\.ts$/,
  /^(scripts|bench|prisma)\//,
  /^e2e\//,
]

/** Files of src that nothing uses: reached by no entry, or (outside of `testing` folders) only by tests. */
export function checkUnused(files: SourceFiles): Finding[] {
  const reachable = (starts: Iterable<string>) => {
    const seen = new Set<string>()
    const open = [...starts]
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      const text = files.get(path)
      if (text !== undefined) open.push(...usedBy(path, text, files))
    }
    return seen
  }
  const paths = [...files.keys()]
  const used = reachable(paths.filter((path) => !isTest(path) && ENTRIES.some((entry) => entry.test(path))))
  const tested = reachable(paths.filter(isTest))
  const findings: Finding[] = []
  for (const path of paths) {
    if (used.has(path) || isTest(path) || !path.startsWith('src/')) continue
    if (tested.has(path) && (path.includes('/testing/') || path.includes('/fixtures/'))) continue
    const why = tested.has(path) ? 'is used by tests alone' : 'is used by nothing'
    findings.push({ path, message: `${why}. Use it, move it to a testing folder, or remove it.` })
  }
  return findings
}

/** Imports, and names of files in strings (scripts that are started, modules loaded by URL). */
function usedBy(path: string, text: string, files: SourceFiles): string[] {
  const named = [...text.matchAll(/['"`]([\w./-]+\.(?:tsx?|css))['"`]/g)].flatMap(([, name = '']) => [
    name,
    posix.normalize(posix.join(posix.dirname(path), name)),
  ])
  const imported = importsOf(path, text).flatMap(({ target, isPackage }) => (isPackage ? [] : [target]))
  return [...imported, ...named].filter((target) => files.has(target))
}
