import type { Finding } from './import-rules.ts'
import { importsOf, type SourceFiles } from './source-files.ts'

/** Folders whose types still go in a circle. This list only gets shorter: one that needs no leave any more is reported. */
const TYPES_MAY_CIRCLE = ['src/engine/slice/', 'src/engine/range-server/']

/** Files that import each other in a circle. A circle of types alone is one too, but where `mayCircle` gives leave for now. */
export function checkImportCycles(files: SourceFiles, mayCircle: readonly string[] = TYPES_MAY_CIRCLE): Finding[] {
  const targets = (withTypes: boolean) => (path: string) =>
    importsOf(path, files.get(path) ?? '').flatMap(({ target, isPackage, isTypeOnly }) =>
      !isPackage && files.has(target) && (withTypes || !isTypeOnly) ? [target] : [],
    )
  const ofValues = circles(files.keys(), targets(false))
  const ofTypes = circles(files.keys(), targets(true)).filter(
    (circle) => !ofValues.some((values) => values.every((path) => circle.includes(path))),
  )
  const leaveOf = (circle: readonly string[]) =>
    mayCircle.find((folder) => circle.every((path) => path.startsWith(folder)))
  const used = new Set(ofTypes.map(leaveOf))
  return [
    ...ofValues.map((circle) => finding(circle, 'Move what both need below both.')),
    ...ofTypes
      .filter((circle) => leaveOf(circle) === undefined)
      .map((circle) => finding(circle, 'Move the type they share to where it belongs, below both.')),
    ...mayCircle
      .filter((folder) => !used.has(folder))
      .map((path) => ({ path, message: 'has no circle of types any more. Take it out of TYPES_MAY_CIRCLE.' })),
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
