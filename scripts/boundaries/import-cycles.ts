import type { Finding } from './import-rules.ts'
import { importsOf, type SourceFiles } from './source-files.ts'

/** Files that import each other in a circle, be it of types alone: of a circle of values and types only the one of values. */
export function checkImportCycles(files: SourceFiles): Finding[] {
  const targets = (withTypes: boolean) => (path: string) =>
    importsOf(path, files.get(path) ?? '').flatMap(({ target, isPackage, isTypeOnly }) =>
      !isPackage && files.has(target) && (withTypes || !isTypeOnly) ? [target] : [],
    )
  const ofValues = circles(files.keys(), targets(false))
  const ofTypes = circles(files.keys(), targets(true)).filter(
    (circle) => !ofValues.some((values) => values.every((path) => circle.includes(path))),
  )
  return [
    ...ofValues.map((circle) => finding(circle, 'Move what both need below both.')),
    ...ofTypes.map((circle) => finding(circle, 'Move the type they share to where it belongs, below both.')),
  ]
}

function finding(circle: readonly string[], advice: string): Finding {
  const [path = ''] = circle
  return { path, message: `closes a circle of imports: ${[...circle, path].join(' → ')}. ${advice}` }
}

/** A way round for every knot of files that reach each other; each begins with its first path by name. */
function circles(paths: Iterable<string>, targetsOf: (path: string) => string[]): string[][] {
  const found = new Map<string, string[]>()
  const done = new Set<string>()
  const walk = (path: string, trail: string[]) => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      const circle = trail.slice(at)
      const first = circle.indexOf(circle.toSorted()[0] ?? '')
      found.set(circle.toSorted().join(), [...circle.slice(first), ...circle.slice(0, first)])
    } else if (!done.has(path)) {
      for (const target of targetsOf(path)) walk(target, [...trail, path])
      done.add(path)
    }
  }
  for (const path of paths) walk(path, [])
  return [...found.values()]
}
